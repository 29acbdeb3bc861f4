"""Everything that is asked, a module for each."""

from bench.question import Question
from bench.questions.drain import Drain
from bench.questions.http import Http
from bench.questions.latency import Latency
from bench.questions.rates import Rates
from bench.questions.scale import Scale
from bench.questions.submit import Submit
from bench.questions.upkeep import IdleUpkeep


def load_questions(delay: float) -> list[Question]:
    """All of them; what is about the network also with that many milliseconds to the server, where there are any."""
    far: list[Question] = [Drain(delay), Submit(delay)] if delay else []
    return [Drain(), Submit(), Latency(), *far, Http(), Scale(), Rates(), IdleUpkeep()]
