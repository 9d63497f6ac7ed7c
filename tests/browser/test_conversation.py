"""The main job by hand: log, ask, answer, tell others, keep private, get the digest."""

from __future__ import annotations

import re
from collections.abc import Callable

from failbot.demo.live import Live
from failbot.sandbox.control import Control
from failbot.sandbox.factory import ADA, BEN, CLEO
from tests.browser.window import Window

TRIED = "Quantised the ranker to int8 for the phones; expected the same click rate."
HAPPENED = "Click rate fell by a third, only on listings with emoji in their title."


def test_failure_is_logged_by_form(window: Window, channel: str) -> None:
    """The card is in the channel, for everyone, with what was typed and chosen."""
    window.enter(channel)
    window.form("/failure the cache was cold for an hour")
    assert window.field("What happened instead").input_value() == "the cache was cold for an hour"
    window.field("What we tried and expected").fill("Moved the cache; expected no cold start.")
    window.field("Outcome").select_option("Worse than baseline")
    window.dialog.get_by_role("combobox", name="Kind of failure").fill("hang")
    window.page.keyboard.press("Enter")
    window.submit()
    window.dialog.wait_for(state="detached")
    card = window.see("Moved the cache")
    assert "worse than baseline" in card.inner_text()
    assert "infra" in card.inner_text()
    window.be("Cleo")
    assert "cold for an hour" in window.see("Moved the cache").inner_text()


def test_missing_input_is_told_beside_its_field(window: Window, channel: str) -> None:
    """Nothing is lost, the focus is in the field, and its error describes it."""
    window.enter(channel)
    window.form("/failure it just hangs after an hour")
    window.submit()
    tried = window.page.locator("[aria-invalid=true]")
    tried.wait_for()
    assert tried.evaluate("node => node === document.activeElement")
    described = tried.get_attribute("aria-describedby").split()
    words = [window.page.locator(f"#{one}").inner_text() for one in described]
    assert "Please complete this required field." in words
    assert window.field("What happened instead").input_value() == "it just hangs after an hour"


def test_question_is_answered_in_its_thread(window: Window, channel: str) -> None:
    """Ben describes Ada's trouble in other words, is shown it, and says that it was it."""
    window.enter(channel)
    window.log(TRIED, HAPPENED)
    window.see("Quantised the ranker")
    window.be("Ben")
    question = "the int8 ranker on phones lost a third of its click rate on emoji listings"
    window.send(f"@failbot {question}")
    window.open_thread(question)
    answer = window.see(HAPPENED[:40], window.thread)
    answer.get_by_role("button", name="That's it").first.click()
    window.see(re.compile(r"Noted: F-\d+ was it"))


def test_unknown_trouble_is_said_to_be_unknown(window: Window, channel: str) -> None:
    """The honest answer, with a button that opens the form with the question in it."""
    window.enter(channel)
    question = "our greenhouse robot waters the tomatoes twice"
    window.send(f"@failbot {question}")
    window.open_thread(question)
    window.see("Nobody has recorded this.", window.thread)
    window.thread.get_by_role("button", name="Log it").click()
    assert question in window.field("What happened instead").input_value()


def test_message_becomes_a_failure_by_its_menu(window: Window, channel: str) -> None:
    """The shortcut opens the form with the message's text and link."""
    window.enter(channel)
    window.send("the nightly job dropped every third row again")
    message = window.see("every third row")
    message.hover()
    message.get_by_role("button", name="More actions").click()
    window.page.get_by_role("menuitem", name="Log as failure").click()
    assert "every third row" in window.field("What happened instead").input_value()
    assert "/archives/" in window.field("Links").input_value()


def test_answer_to_a_command_is_visible_to_one_person(window: Window, channel: str) -> None:
    """Ada sees the help and that only she does; Ben does not; dismissed, it is gone."""
    window.enter(channel)
    window.send("/failure help")
    helped = window.see("Log what did not work")
    assert "Only visible to you" in helped.inner_text()
    window.be("Ben")
    window.page.get_by_role("log").wait_for(state="attached")
    assert window.message("Log what did not work").count() == 0
    window.be("Ada")
    window.see("Log what did not work").get_by_role("button", name="Dismiss").click()
    window.message("Log what did not work").wait_for(state="detached")


def test_edit_changes_the_card_in_place(window: Window, channel: str) -> None:
    """The same message shows the new text."""
    window.enter(channel)
    window.log("Pruned half the heads; expected no loss.", "Accuracy fell by four points.")
    card = window.see("Pruned half the heads")
    number = re.search(r"F-\d+", card.inner_text()).group()
    ts = card.get_attribute("data-ts")
    window.form(f"/failure edit {number}")
    window.field("What happened instead").fill("Accuracy fell by four points, on rare classes.")
    window.submit()
    assert window.see("on rare classes").get_attribute("data-ts") == ts


def test_deletion_asks_first(window: Window, channel: str) -> None:
    """The card goes when the author says so."""
    window.enter(channel)
    window.log("Froze the embeddings; expected faster runs.", "Runs were as slow as before.")
    number = re.search(r"F-\d+", window.see("Froze the embeddings").inner_text()).group()
    window.send(f"/failure delete {number}")
    window.page.get_by_role("button", name=f"Delete {number}").click()
    window.message("Froze the embeddings").wait_for(state="detached")


def test_private_channel_is_seen_by_its_members_only(
    window: Window, channel: str, private_channel: str
) -> None:
    """What is logged there is found by Ben from elsewhere, never by Cleo, who sees no channel."""
    window.enter(private_channel)
    secret = "The heron prototype overheats when the lidar and the arm run together."
    window.log("Ran lidar and arm of the heron prototype at once; expected 60 degrees.", secret)
    window.see("heron prototype overheats")
    question = "heron prototype overheats when lidar and arm run together"
    for name, is_member in (("Ben", True), ("Cleo", False)):
        window.be(name)
        assert window.page.locator(f'a[data-channel="{private_channel}"]').count() == is_member
        window.enter("failbot")
        window.send(question)
        window.open_thread(question)
        if is_member:
            window.see("The heron prototype overheats", window.thread)
        else:
            window.see("Nobody has recorded this.", window.thread)
            assert window.thread.get_by_text("60 degrees").count() == 0


def test_address_of_a_private_channel_shows_nothing(
    window: Window, control: Control, private_channel: str
) -> None:
    """Someone who is not in it is led elsewhere, also by the address."""
    window.enter(private_channel)
    window.send("the budget is gone")
    window.see("the budget is gone")
    window.be("Cleo")
    window.main.get_by_role("region", name="general", exact=True).wait_for()
    assert window.page.get_by_text("the budget is gone").count() == 0


def test_digest_comes_with_monday(window: Window, channel: str) -> None:
    """Scheduled by command, reached by time travel, in the channel, its lessons in the thread."""
    window.enter(channel)
    window.log("Cached the features by day; expected fresher scores.", "Scores were a week old.")
    window.see("Cached the features")
    window.send("/failure digest here monday 09:00")
    window.see(re.compile("every Monday at 09:00"))
    window.page.get_by_role("button", name=re.compile("Travel in time")).click()
    window.dialog.get_by_role("button", name="Make it Monday 09:00").click()
    digest = window.see("What we learned from what did not work")
    assert re.search(r"Mon \d+ \w+, 09:0\d", window.page.locator(".clock").inner_text())
    assert "Scores were a week old" in digest.inner_text()


def test_home_tab_shows_own_entries(window: Window, channel: str) -> None:
    """Opened, it is published for the person who looks."""
    window.enter(channel)
    window.log("Dropped the weekends; expected less noise.", "Mondays became unpredictable.")
    window.see("Dropped the weekends")
    window.enter("failbot")
    window.page.get_by_role("link", name="Home", exact=True).click()
    window.main.get_by_text("Mondays became unpredictable").wait_for()


def test_own_message_is_edited_and_deleted(window: Window, channel: str) -> None:
    """The arrow up edits the last message; the menu deletes it, after a question."""
    window.enter(channel)
    window.send("we saw a sipke")
    window.see("we saw a sipke")
    window.page.locator("#composer").press("ArrowUp")
    window.page.get_by_role("textbox", name="Edit message").fill("we saw a spike")
    window.page.keyboard.press("Enter")
    message = window.see("we saw a spike")
    assert "(edited)" in message.inner_text()
    message.hover()
    message.get_by_role("button", name="More actions").click()
    window.page.get_by_role("menuitem", name="Delete message").click()
    window.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    window.message("we saw a spike").wait_for(state="detached")


def test_two_windows_see_each_other(
    open_window: Callable[..., Window], live: Live, channel: str
) -> None:
    """What one person posts is in another's window without a reload, and unread elsewhere."""
    first, second = open_window(live.box.url), open_window(live.box.url)
    second.be("Ben")
    first.enter(channel)
    first.send("hello @ben")
    unread = second.page.locator(f'a[data-channel="{channel}"].is-mentioned')
    unread.wait_for()
    second.enter(channel)
    second.see("hello @ben")


def test_silent_bot_is_told(window: Window, control: Control, channel: str) -> None:
    """A command that is not acked within three seconds ends in Slack's own words."""
    window.enter(channel)
    before = len(control.deliveries("slash_commands"))
    control.drop(only="slash_commands")
    window.send("/failure help")
    control.wait_for(lambda: control.deliveries("slash_commands")[before:])
    control.advance(5)
    remark = 'failed with the error "operation_timeout"'
    window.page.get_by_role("status").get_by_text(remark).wait_for()


def test_unknown_command_is_told(window: Window, channel: str) -> None:
    """As Slack tells it."""
    window.enter(channel)
    window.send("/fialure list")
    window.page.get_by_role("status").get_by_text("/fialure is not a valid command").wait_for()


def test_what_slack_refuses_is_listed(window: Window, control: Control) -> None:
    """Discreetly, at the foot of the channels."""
    control.fail_api("views.publish", "not_enabled")
    window.enter("failbot")
    window.page.get_by_role("link", name="Home", exact=True).click()
    window.page.get_by_role("button", name=re.compile(r"^Slack refused \d+")).click()
    window.dialog.get_by_text("views.publish: not_enabled").first.wait_for()


def test_invitation_and_farewell(window: Window, control: Control) -> None:
    """/invite brings someone in, /leave leaves; a public channel can be joined again."""
    control.add_channel("club", members=[ADA])
    window.enter("club")
    window.send("/invite @ben")
    window.main.get_by_text("@ben has joined the channel").wait_for()
    window.send("/leave")
    window.page.get_by_role("button", name="Join channel").click()
    window.main.get_by_text("@ada has joined the channel").wait_for()


def test_guests_and_outsiders_are_marked(window: Window, control: Control) -> None:
    """Beside what they say, and in the list of members."""
    shared = control.add_channel("mixed", members=[ADA], is_ext_shared=True)
    for user_id in (
        control.add_guest("gus", channels=[shared]),
        control.add_outsider("eve", channels=[shared]),
    ):
        control.as_(user_id).say(shared, "hello")
    window.enter("mixed")
    badges = window.main.locator(".head .badge")
    assert badges.all_inner_texts() == ["GUEST", "ANOTHER COMPANY"]
    window.page.get_by_role("button", name=re.compile(r"^\d+ members$")).click()
    members = window.dialog.get_by_role("listitem")
    assert members.locator(".badge").all_inner_texts() == ["GUEST", "ANOTHER COMPANY"]


def test_sharing_is_told_at_the_channels_name(window: Window, control: Control) -> None:
    """Pending, with another company, and no more."""
    channel_id = control.add_channel("bridge", members=[ADA])
    window.enter("bridge")
    badge = window.main.locator(".room-head .badge")
    control.invite_team(channel_id)
    badge.get_by_text("share pending").wait_for()
    control.share(channel_id)
    badge.get_by_text("shared", exact=True).wait_for()
    control.unshare(channel_id)
    badge.wait_for(state="detached")


def test_group_message_is_called_by_its_people(window: Window, control: Control) -> None:
    """As whoever else is in it."""
    control.add_group([ADA, BEN, CLEO], with_bot=False)
    window.enter("ben, cleo")
    window.send("just us")
    window.see("just us")
