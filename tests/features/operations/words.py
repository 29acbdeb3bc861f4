"""operations/words.py"""

from lib.operations import operation


@operation(needs_data=False)
def count_words(text: str) -> int:
    """The number of words in a text."""
    return len(text.split())


@operation(needs_data=False)
def split_bill(total: float, people: int) -> float:
    """What each of some people pays."""
    return total / people
