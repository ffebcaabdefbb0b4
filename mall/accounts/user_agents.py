"""Names of browsers and systems, read from a User-Agent."""

# The first word found in the User-Agent names the browser: each browser also names those after it in this list.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "a Mac",
    "Linux": "Linux",
}


def describe(user_agent: str) -> str:
    """Return the name of a browser and its system, such as "Firefox on Linux"."""
    browser = next((name for word, name in BROWSERS.items() if word in user_agent), "A browser")
    system = next((name for word, name in SYSTEMS.items() if word in user_agent), "")
    return f"{browser} on {system}" if system else browser
