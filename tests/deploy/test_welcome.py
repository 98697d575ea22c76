"""What is printed at the end of a start is true."""

from apps.core.steps import Step
from apps.workflow.management.commands import setup_demo
from deploy.local import server
from deploy.local.layout import Layout


def test_the_printed_logins_are_those_that_exist():
    assert setup_demo.PASSWORD == server.DEMO_PASSWORD
    made = [username for username, _, _ in setup_demo.PEOPLE]
    assert [name for name, _ in server.DEMO_LOGINS] == made


def test_the_step_asked_for_at_the_start_exists():
    assert Step.RECONCILE.value == server.RECONCILE


def test_the_welcome_names_address_logins_and_how_to_send(layout: Layout):
    (layout.state / "filled").write_text("demo")
    text = server.welcome(layout, seconds=12.3)
    assert layout.public_url in text
    assert "radiologist" in text
    assert f"127.0.0.1 {layout.ports.dicom}" in text
    assert "storescu -R -xt" in text


def test_an_empty_portal_offers_only_the_administrator(layout: Layout):
    (layout.state / "filled").write_text("empty")
    (layout.state / "admin-password").write_text("made-for-this-folder")
    text = server.welcome(layout, seconds=1)
    assert "  admin" in text
    assert "radiologist" not in text
    assert "made-for-this-folder" in text
    assert server.DEMO_PASSWORD not in text
