"""What an error says that carries its data as attributes."""

from edgesweep.errors import NoStack


def test_no_stack() -> None:
    """Who looks for a stack in vain reads where that was, and how to look elsewhere."""
    assert str(NoStack("edgesweep-prod", "eu-west-1")) == (
        "There is no stack edgesweep-prod in eu-west-1; say --stage or --stack, and --region"
    )
