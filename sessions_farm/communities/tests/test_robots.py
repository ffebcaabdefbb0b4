"""Robots by their names, from a list that is kept; telephones and browsers inside applications are people's."""

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from sessions_farm.communities.robots import is_robot

ROBOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Pingdom.com_bot_version_1.4",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp)",
    "Mozilla/5.0 AppleWebKit/534 BingPreview/1.0b",
    "Screaming Frog SEO Spider/20.0",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "ia_archiver crawler",
    "facebookexternalhit/1.1",
    "Embedly/0.2",
    "Mozilla/5.0 Chrome/130 Chrome-Lighthouse",
    "curl/8.5",
    "Wget/1.21",
    "python-requests/2.32",
    "Go-http-client/2.0",
    "okhttp/4.9",
    "axios/1.7",
]
BROWSERS = [
    "",
    "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Mozilla/5.0 (Linux; Android 10; CUBOT P40) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus Build/PPR1) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 11; Cubot) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 13; Kingbot K2) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SuperSonic 7) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) Mobile/15E148 Instagram 300.0.0.1 (iPhone14,5)",
    "Mozilla/5.0 (Linux; Android 13; SM-S901B) Chrome/118 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/440.0]",
    "Mozilla/5.0 (Macintosh) Botswana-Bookstore-Browser/1.0",
]


@pytest.mark.parametrize("user_agent", ROBOTS)
def test_robot_is_named_as_one(user_agent):
    assert is_robot(user_agent)


@pytest.mark.parametrize("user_agent", BROWSERS)
def test_browser_is_no_robot(user_agent):
    assert not is_robot(user_agent)


def test_the_lists_own_examples_are_known():
    examples = [example for entry in CRAWLER_USER_AGENTS_DATA for example in entry["instances"]]
    missed = [example for example in examples if not is_robot(example)]

    assert len(missed) <= len(examples) * 0.005, missed
