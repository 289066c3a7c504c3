"""stub"""

from tests.contract.server.answers import Answer


def answered(desk, ask):
    return Answer(404)
