"""An error is one line that names what it is about."""

from edgesweep.errors import NoStack


def test_no_stack() -> None:
    """A stack that is not there is named with its region, and with the options that choose."""
    assert str(NoStack("edgesweep-prod", "eu-west-1")) == (
        "There is no stack edgesweep-prod in eu-west-1; say --stage or --stack, and --region"
    )
