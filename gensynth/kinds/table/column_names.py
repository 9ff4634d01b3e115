"""What the name of a column says about it: names that people and programs usually give."""

from __future__ import annotations

import re
from collections.abc import Hashable

ROW_NUMBERS = ("index", "idx", "rownum", "rowid", "rowindex", "lfdnr")
"""Names that row numbers get beside those without one, `Unnamed: 0` (pandas) and `...1` (R)."""
COUNTS = ("n", "num", "no", "nr", "number", "count", "total", "has", "is", "avg", "mean", "sum", "max", "min")
"""First words of names that count something, such as `num_phone`."""
KEYS = ("id", "ids", "key", "uuid", "guid", "identifier", "pk", "customer", "client", "account", "invoice", "msisdn")
"""Last words of the names of keys; `id` may stand anywhere."""
OWNERS = (
    "customer client user person patient account acct order transaction trans member employee emp student product item "
    "record case row sample session device tweet post loan policy claim invoice ticket visit encounter subject "
    "passenger card contract house household merchant store vehicle bill booking reservation request event message"
).split()
"""What has a number: `customerid`, `account_no`, `InvoiceNumber`."""
PERSONAL = ("ssn", "sin", "iban", "email", "mail", "phone", "telephone", "mobile", "cell", "passport", "imei", "ip")
"""Last words of names of what belongs to one person and must never be copied, even where it repeats."""
CODES = (
    "code zip zipcode postcode postal plz pin industry occupation region area district county state country city "
    "sector department dept branch category class group type status naics sic nace isco icd icd9 icd10 recode channel"
).split()
"""Words in the names of whole numbers that are no quantities."""
TIMES = "date day month time period year yyyymm yyyymmdd ym ymd dt datum monat tag zeit fecha timestamp".split()
"""Words in the names of points in time."""
CLOCKS = ("time", "times", "clock", "hhmm", "hhmmss", "zeit", "uhr", "hora", "heure")
"""Ends of words in the names of times of day: `dep_time`, `deptime`, `Uhrzeit`."""
_OWNED = re.compile(f"({'|'.join(OWNERS)})(id|no|nr|num|number|key)")


def words_of(name: Hashable) -> list[str]:
    """Return the words of a name in small letters: `customerID`, `Customer-Id` and `customer_id` have the same."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", str(name))
    return [word.lower() for word in re.findall(r"[^\W_]+", apart)]


def is_nameless(name: Hashable) -> bool:
    """Whether a program made up the name, since the column had none: it held row numbers."""
    return re.fullmatch(r"|Unnamed: [0-9.]+|\.\.\.[0-9]+", str(name).strip()) is not None


def is_row_number(name: Hashable) -> bool:
    """Whether a column is called as row numbers are."""
    return is_nameless(name) or "".join(words_of(name)) in (*ROW_NUMBERS, "rownumber", "rowno", "rownr")


def is_key(name: Hashable) -> bool:
    """Whether a column is called as keys of people and things are."""
    words = words_of(name)
    if not words or words[0] in COUNTS:
        return False
    last_two = "".join(words[-2:])
    return "id" in words or words[-1] in KEYS or bool(_OWNED.fullmatch(words[-1]) or _OWNED.fullmatch(last_two))


def is_personal(name: Hashable) -> bool:
    """Whether a column is called as what belongs to one person."""
    words = words_of(name)
    if not words or words[0] in COUNTS:
        return False
    card = re.fullmatch(r"(credit|debit)?card(no|nr|num|number)?|(credit|debit|bank)card", "".join(words[-2:]))
    return words[-1] in PERSONAL or card is not None


def is_code(name: Hashable) -> bool:
    """Whether a column is called as codes are, such as that of an industry."""
    words = words_of(name)
    return bool(words) and words[0] not in COUNTS and any(word in CODES for word in words)


def is_time(name: Hashable) -> bool:
    """Whether a column is called as a point in time."""
    return any(word in TIMES for word in words_of(name))


def is_clock(name: Hashable) -> bool:
    """Whether a column is called as a time of day."""
    return any(word.endswith(CLOCKS) for word in words_of(name))
