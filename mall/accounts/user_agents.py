"""Names of browsers and systems, read from a User-Agent."""

from django.utils.translation import gettext, gettext_noop

# The first word found in the User-Agent names the browser: each browser also names those after it in this list.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "iPhone": gettext_noop("an iPhone"),
    "iPad": gettext_noop("an iPad"),
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": gettext_noop("a Mac"),
    "Linux": "Linux",
}
UNKNOWN = gettext_noop("A browser")
ON = " on "


def describe(user_agent: str) -> str:
    """Return the name of a browser and its system in English, such as "Firefox on Linux"."""
    browser = next((name for word, name in BROWSERS.items() if word in user_agent), UNKNOWN)
    system = next((name for word, name in SYSTEMS.items() if word in user_agent), "")
    return f"{browser}{ON}{system}" if system else browser


def translated(name: str) -> str:
    """Return a name that ``describe`` made, as it is kept, in the language that is written now."""
    browser, _, system = name.partition(ON)
    words = {"browser": gettext(browser), "system": gettext(system) if system else ""}
    return gettext("%(browser)s on %(system)s") % words if system else words["browser"]
