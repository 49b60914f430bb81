"""What parents do, in a real browser: from the front door to a story, and what may go wrong on the way."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, Family, Site, family_at

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Unexpected movements of what is on the screen (Layout Instability), counted from the beginning.
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.shifts.push(...entry.sources.map(({ node }) => node?.outerHTML ?? "gone"));
  }
}).observe({ type: "layout-shift", buffered: true });
"""
# A voice: Debian's Chromium brings none along. It says the title, and is at the first sentence until it is stopped.
VOICE = """
window.said = [];
Object.defineProperty(window, "speechSynthesis", { value: {
  speak(words) {
    window.said.push([words.text, words.lang]);
    if (window.said.length === 1) setTimeout(() => words.dispatchEvent(new Event("end")), 100);
  },
  cancel() {},
} });
"""
# The last that the place of the story says with each status: kept from page to page.
WRITE_DOWN = """
const shown = JSON.parse(sessionStorage.getItem("shown") ?? "[]");
new MutationObserver(() => {
  const now = ["[role=status]", ".tale"].map((name) => document.querySelector(name)?.textContent.trim());
  if (shown.at(-1)?.[0] === now[0]) shown.pop();
  shown.push(now);
  sessionStorage.setItem("shown", JSON.stringify(shown));
}).observe(document, { childList: true, subtree: true, characterData: true });
"""
BEGINS_ANEW = ["That one did not come out well. The storyteller begins anew.", "A story is being told"]
TEXT = "The moon had climbed above the roofs"


async def kept_text(page: Page) -> str:
    return " ".join((await page.locator(".tale").inner_text()).split())


async def test_from_the_front_door_to_a_story_that_is_read_aloud(family: Family) -> None:
    page = family.page
    await page.add_init_script(SHIFTS + VOICE)
    await family.open("/")
    await page.get_by_role("link", name="Begin").click()
    await family.sign_up()
    await family.add_child()
    await page.get_by_role("radio", name="courage").check()
    await family.ask()
    await expect(page.locator(".tale h1")).to_have_text("Mia and the Lantern in the Garden")
    await expect(page.locator(".tale")).to_contain_text(TEXT)
    await expect(page.get_by_role("status")).to_have_text("The story is told.")
    assert await page.evaluate("window.shifts") == [], "nothing moves while somebody reads"
    shown = await kept_text(page)
    await family.until_told()
    assert shown.startswith("Mia and the Lantern")
    kept = await kept_text(page)
    assert all(sentence in kept for sentence in shown.split(". ")[1:3])

    await page.get_by_role("button", name="Read aloud").click()
    await expect(page.locator(".now")).to_have_text(re.compile("The moon had climbed"))
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".now")).to_have_count(0)
    said = await page.evaluate("window.said")
    assert said[0] == ["Mia and the Lantern in the Garden", "en"]

    await page.get_by_role("button", name="9 of 10").click()
    await expect(page.get_by_role("button", name="9 of 10")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("link", name="How this story was made").click()
    await expect(page.locator("main")).to_contain_text("It took one attempt.")
    await page.get_by_role("link", name="Library").click()
    await expect(page.locator(".shelf")).to_contain_text("9 of 10")


async def test_what_did_not_come_out_well_goes_and_the_next_one_comes(family: Family) -> None:
    page = family.page
    await family.sign_up()
    await family.add_child()
    family.site.writes("sim/stall")
    # Written down as it is shown: the next story may be told before anybody looks again.
    await page.add_init_script(WRITE_DOWN)
    await family.ask()
    await family.until_told()
    shown = json.loads(await page.evaluate("sessionStorage.shown"))
    begins_anew = shown.index(BEGINS_ANEW)
    assert any(TEXT in tale for _, tale in shown[:begins_anew] if tale)
    text = await kept_text(page)
    assert text.count(TEXT) == 1
    assert "error" not in (await page.content()).lower()
    await page.get_by_role("link", name="How this story was made").click()
    await expect(page.locator("main")).to_contain_text("It took 3 attempts")


async def test_one_that_fails_for_good_is_asked_for_again_with_one_tap(family: Family) -> None:
    page = family.page
    await family.sign_up()
    await family.add_child()
    await page.get_by_label("Or in your own words").fill("brushing teeth")
    family.site.writes("sim/401")
    await family.ask()
    await expect(page.get_by_role("heading", name="No story this time")).to_be_visible()
    family.site.writes("sim/ok")
    await page.get_by_role("button", name="Try again").click()
    await page.wait_for_url(re.compile("/(writing|stories)/"))
    await expect(page.locator(".tale")).to_contain_text(TEXT)
    await family.open("/tonight")
    await expect(page.get_by_label("Or in your own words")).to_have_value("brushing teeth")


async def test_a_connection_that_is_lost_comes_back_and_misses_nothing(family: Family) -> None:
    page = family.page
    await family.sign_up()
    await family.add_child()
    family.site.writes("sim/slow-10")
    await family.ask()
    await expect(page.locator(".tale")).to_contain_text(TEXT)
    family.site.relay.cut()
    await expect(page.get_by_role("status")).to_have_text("The connection is lost. It goes on as soon as it is back.")
    family.site.relay.mend()
    await expect(page.get_by_role("status")).to_have_text("The story is told.")
    shown = await kept_text(page)
    await family.until_told()
    assert shown.endswith("until Mia was fast asleep.")
    assert shown.count(TEXT) == 1
    assert all("ERR_" in said for said in family.complaints), family.complaints
    family.complaints.clear()


async def test_two_tabs_show_the_same_and_both_are_signed_out(family: Family) -> None:
    page = family.page
    await family.sign_up()
    await family.add_child()
    await family.ask()
    other = await family.context.new_page()
    await other.goto(page.url)
    await family.until_told()
    await expect(other.locator(".tale")).to_contain_text("until Mia was fast asleep.")
    await family.open("/me")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await other.goto(family.site.origin + "/library")
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    await other.get_by_label("E-mail address").fill(family.address)
    await other.get_by_label("Password").fill(PASSWORD)
    await other.get_by_role("button", name="Sign in").click()
    await expect(other.get_by_role("heading", name="Library")).to_be_visible()


async def test_without_scripts_a_story_comes_all_the_same(browser: Browser, site: Site) -> None:
    async with family_at(browser, site, java_script_enabled=False) as family:
        page = family.page
        await family.sign_up()
        await family.add_child()
        await family.ask()
        await expect(page.locator(".tale-end")).to_be_attached(timeout=20_000)
        await expect(page.locator(".tale")).to_contain_text(TEXT)
        await page.get_by_role("button", name="Sepia").click()
        assert await page.locator("html").get_attribute("data-theme") == "sepia"
        await page.get_by_role("button", name="10 of 10").click()
        await expect(page.get_by_role("button", name="10 of 10")).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("link", name="What happens next?").click()
        await expect(page.locator("main")).to_contain_text("This one carries on:")


async def test_every_form_by_keyboard_alone(family: Family) -> None:
    page = family.page
    await family.open("/sign-up")

    async def tab_to(name: str) -> None:
        for _ in range(60):
            await page.keyboard.press("Tab")
            focused = page.locator(":focus")
            said = await focused.evaluate("(e) => e.name || e.textContent.trim() || e.getAttribute('aria-label')")
            assert await focused.evaluate("(e) => getComputedStyle(e).outlineStyle !== 'none' || e.type === 'radio'"), (
                said
            )
            if said == name:
                return
        raise AssertionError(f"no way to {name} by keyboard")

    await tab_to("email")
    await page.keyboard.type("keys@example.org")
    await tab_to("password")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/family/children/new*")
    for name, typed in (("name", "Mia"), ("age", "6"), ("interests", "ships")):
        await tab_to(name)
        await page.keyboard.type(typed)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tonight*")
    await tab_to("hero")
    await page.keyboard.press("ArrowRight")
    await tab_to("relationship")
    await tab_to("moral")
    await page.keyboard.press("ArrowRight")
    await tab_to("Tell the story")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/writing/*")
    await expect(page.get_by_role("status")).to_have_text("The story is told.")
    await family.until_told()
    await tab_to("rating")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="1 of 10")).to_have_attribute("aria-pressed", "true")


async def test_what_a_model_writes_is_text_while_it_comes(family: Family) -> None:
    page = family.page
    payload = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    events = "".join(
        f"event: text\ndata: {json.dumps({'text': piece})}\nid: 1:{at}\n\n"
        for at, piece in enumerate(("# ", payload, "\n\n", payload, "\n\nAnd", " **they** slept."), 1)
    )
    # No model of the simulator writes markup: what comes in from one is played instead.
    stream = {"content_type": "text/event-stream", "body": events}
    await page.route("**/events", lambda route: route.fulfill(**stream))
    await family.sign_up()
    await family.add_child()
    await family.ask()

    await expect(page.locator(".tale p").last).to_have_text("And **they** slept.")
    assert await page.locator(".tale > *").all_inner_texts() == [payload, payload, "And **they** slept."]
    assert await page.locator(".tale img, .tale script").count() == 0


async def test_a_theme_and_a_size_are_there_at_once_and_remembered(family: Family) -> None:
    page = family.page
    await family.sign_up()
    await family.add_child()
    await family.ask()
    await family.until_told()
    root = page.locator("html")
    before = await page.locator(".tale").evaluate("(e) => getComputedStyle(e).fontSize")
    await page.get_by_role("button", name="Light").click()
    await expect(root).to_have_attribute("data-theme", "light")
    # Both are on their way at once, and neither forgets the other.
    async with page.expect_response(lambda response: "size=4" in (response.request.post_data or "")):
        await page.get_by_role("button", name="Larger letters").click()
    assert await page.locator(".tale").evaluate("(e) => getComputedStyle(e).fontSize") != before
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "light")
    await expect(root).to_have_attribute("data-size", "4")
