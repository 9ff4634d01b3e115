"""A table of mixed types in the manner of Adult, of a known process, and raw SMOTENC on it.

Ten columns: `age` and `hours` (integers, 45 % of the hours exactly 40), `wage` (skewed money, 8 % missing, more among
the young), `gain` (80 % exact zeros, the rest skewed money), `married` (boolean), `sex` (2 levels), `education` (8),
`occupation` (15, 4 % missing), `country` (40, the rarest in one of 1,200 rows), `since` (dates). About 3 % of the rows
are rare. Whether one is depends on `age` with a maximum in the middle, and on products: of education and marriage,
education and wage, occupation and hours, sex and marriage; further on `gain` beyond a step, on six of the countries,
and on dates in the last two years. So no line separates the classes, and no column does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTENC

TARGET, COMMON, RARE = "income", "usual", "high"

EDUCATION = ("none", "primary", "lower", "middle", "upper", "college", "bachelor", "master")
OCCUPATION_EFFECTS = np.array([0.2, -0.4, 0.9, 0.0, -0.8, 0.5, 1.2, -0.2, -0.5, 0.7, 0.1, -0.9, 1.0, -0.3, 0.4])
COUNTRIES, RICH = 40, (1, 4, 7, 15, 23, 31)
INTERCEPT, SLOPE = -7.5, 1.8
"""Set once, by looking at nothing but the share of rare rows and how well boosted trees rank without any treatment."""


def make_table(n: int, seed: int) -> pd.DataFrame:
    """Return n rows; the label column is `TARGET`."""
    rng = np.random.default_rng([20, seed])
    age = np.clip(17 + rng.gamma(2.6, 9.5, n), 17, 90).astype(np.int64)
    education = rng.choice(8, n, p=[0.02, 0.05, 0.1, 0.25, 0.22, 0.16, 0.13, 0.07])
    occupation = np.minimum((rng.gamma(1.3, 3.2, n) + 0.5 * (7 - education)).astype(int), 14)
    country_shares = 1 / np.arange(1.0, COUNTRIES + 1) ** 1.7
    country = rng.choice(COUNTRIES, n, p=country_shares / country_shares.sum())
    female = rng.random(n) < 0.45
    married = rng.random(n) < 1 / (1 + np.exp(-(age - 33) / 6.0)) * 0.75
    hours = np.where(rng.random(n) < 0.45, 40, np.clip(rng.normal(41 + 4 * married, 12, n), 1, 99)).astype(np.int64)
    log_wage = 9.6 + 0.13 * education + 0.012 * np.minimum(age, 50) + rng.normal(0, 0.55, n)
    gain = np.where(rng.random(n) < 0.8, 0.0, np.exp(rng.normal(6.8 + 0.25 * education, 1.2, n)))
    years = np.minimum(rng.exponential(7.0, n), age - 16)
    score = (
        1.6 * np.exp(-(((age - 46) / 11.0) ** 2))
        + 0.9 * ((education >= 5) & married)
        + np.where(education >= 4, 1.1, -0.3) * (log_wage - 10.6)
        + 1.5 * (gain > 5000)
        + OCCUPATION_EFFECTS[occupation] * np.where(hours > 45, 1.5, 0.4)
        + 0.8 * np.isin(country, RICH)
        - 0.7 * (female & ~married)
        - 0.6 * (years < 2)
    )
    rare = rng.random(n) < 1 / (1 + np.exp(-(INTERCEPT + SLOPE * score)))
    text = {
        "sex": np.where(female, "female", "male"),
        "occupation": np.char.add("job ", occupation.astype(str)),
        "country": np.char.add("country ", country.astype(str)),
    }
    wage = np.exp(log_wage).round(2)
    wage[rng.random(n) < np.where(age < 25, 0.2, 0.06)] = np.nan
    day = np.datetime64("2025-01-01") - (years * 365.25).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "age": age,
            "education": pd.Categorical.from_codes(education, list(EDUCATION)),
            "occupation": pd.Series(text["occupation"], dtype="str").mask(rng.random(n) < 0.04),
            "country": pd.Series(text["country"], dtype="str"),
            "sex": pd.Series(text["sex"], dtype="str"),
            "married": married,
            "hours": hours,
            "wage": wage,
            "gain": gain.round(2),
            "since": day.astype("datetime64[s]"),
            TARGET: np.where(rare, RARE, COMMON),
        }
    )


def split_table(common: int, rare: int, test_rare: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training rows, and test rows with the same share of rare ones.

    Args:
        common: Training rows of the common class.
        rare: Training rows of the rare class.
        test_rare: Test rows of the rare class.
        seed: Seed of the rows.
    """
    wanted = {COMMON: (common, common * test_rare // rare), RARE: (rare, test_rare)}
    # Twice as many as are needed, since rare ones come as they come.
    rows = make_table(2 * (common + rare) * (1 + test_rare // rare), seed)
    parts: tuple[list[pd.DataFrame], list[pd.DataFrame]] = ([], [])
    for label, (train, test) in wanted.items():
        mine = rows[rows[TARGET] == label]
        if len(mine) < train + test:
            raise ValueError(f"only {len(mine)} of {train + test} rows are of class {label!r}; set INTERCEPT anew.")
        parts[0].append(mine[:train])
        parts[1].append(mine[train : train + test])
    return pd.concat(parts[0], ignore_index=True), pd.concat(parts[1], ignore_index=True)


def impute(frame: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Fill gaps as SMOTENC needs it: numbers by the median of the training rows, text by a level of its own."""
    return frame.assign(wage=frame["wage"].fillna(train["wage"].median()), occupation=frame["occupation"].fillna("?"))


def smotenc(train: pd.DataFrame, ratio: float, seed: int) -> pd.DataFrame:
    """Return the rows that imbalanced-learn's SMOTENC adds when it is used with care.

    Gaps are filled before, numbers (a date is a number of days) standardised for the search of neighbours and put back
    afterwards, whole ones rounded to the nearest. SMOTENC by itself would cut whole numbers off.

    Args:
        train: Without gaps.
        ratio: Rare rows per common row afterwards.
        seed: Its random_state.
    """
    x = train.drop(columns=[TARGET])
    levels = {c: pd.factorize(x[c]) for c in ("education", "occupation", "country", "sex", "married")}
    numbers = {c: x[c].to_numpy("datetime64[D]").astype(float) if c == "since" else x[c] for c in x if c not in levels}
    plain = pd.DataFrame(numbers, dtype=float)
    mean, scale = plain.mean(), plain.std()
    coded = pd.concat([(plain - mean) / scale, pd.DataFrame({c: codes for c, (codes, _) in levels.items()})], axis=1)
    sampler = SMOTENC(categorical_features=list(levels), sampling_strategy=ratio, random_state=seed)
    made = sampler.fit_resample(coded, train[TARGET])[0].iloc[len(train) :].reset_index(drop=True)
    out = made[list(numbers)] * scale + mean
    for c in ("age", "hours", "since"):
        out[c] = out[c].round().astype(np.int64)
    out["since"] = out["since"].to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    for c, (_, known) in levels.items():
        out[c] = pd.Series(np.asarray(known, dtype=object)[made[c].astype(int)]).astype(x[c].dtype)
    return out[list(x.columns)]
