"""Installing triggers in a project's database, and proving that they are there."""

from __future__ import annotations

from gateway.errors import ConfigurationError, Fault, UpstreamUnavailable
from gateway.survey.triggers import READ_BACK, TABLES, Telling

_PATIENCE = 10


def install(database_url: str, telling: Telling) -> str:
    """Make the triggers in one transaction; returns the function that they call.

    Raises `ConfigurationError` without the extra `postgres`, and `UpstreamUnavailable`, with no
    word of the address, when the database can not be reached or refuses; then nothing is changed.
    """
    try:
        import psycopg
    except ImportError:
        hint = 'pip install "ostiary[postgres]", or --print-sql'
        fault = Fault("the webhook", "needs a package that is not installed", hint)
        raise ConfigurationError([fault]) from None
    try:
        with psycopg.connect(database_url, connect_timeout=_PATIENCE) as connection:
            # Built from a constant, an origin and a secret, each of them quoted.
            connection.execute(telling.sql.encode())
            found = connection.execute(READ_BACK).fetchall()
            function = called(dict(found), telling)
            if not function:
                raise UpstreamUnavailable("the triggers are not there after all")
            return function
    except psycopg.errors.Error as error:
        said = error.diag.message_primary or "the database can not be reached"
        raise UpstreamUnavailable(f"{said} ({type(error).__name__})") from None


def called(found: dict[str, str], telling: Telling) -> str:
    """The function that the triggers call, by their definitions for each table; "" if it is not so.

    Both must name the gateway's address.
    """
    if set(found) != set(TABLES) or any(telling.target not in text for text in found.values()):
        return ""
    functions = {
        text.partition("EXECUTE FUNCTION ")[2].partition("(")[0] for text in found.values()
    }
    return functions.pop() if len(functions) == 1 else ""
