import signal
from collections import Counter
from tests.benchmarks.commerce.sampling import kind_of
from tests.integration.checkout.test_statements import goods
from sessions_farm.testing.browser import BrowserClient
from tests.support.checkout_walk import MALL, PAYS, card, fill_cart, pay, text
from tests.support.shop import ADDRESS
import traceback

def test_prof(goods, settings):
    settings.CHECKOUT_LIMITS = {"drafts_a_network": 10000, "fresh_pieces": 10000}
    from tests.support.shop import put_on_hand
    for g in goods: put_on_hand(g, 10000)
    counts = {"to": Counter(), "from": Counter()}
    where = Counter()
    phase = "to"
    def handler(_, frame):
        k = kind_of(frame)
        counts[phase][k] += 1
        if k == "building" and phase=="from":
            fs = [f for f in traceback.extract_stack(frame) if "/till/" in f.filename and ".venv" not in f.filename and "/tests/" not in f.filename]
            where[f"{fs[-1].filename.rpartition('/')[2]}:{fs[-1].name}" + (f" < {fs[-2].name}" if len(fs)>1 else "") + f" < {fs[-3].name}" ] += 1
    signal.signal(signal.SIGPROF, handler)
    for n in range(60):
        browser = BrowserClient()
        fill_cart(browser, *goods)
        phase = "to"
        if n > 3: signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        browser.get(f"{MALL}/cart/")
        browser.get(f"{MALL}/checkout/")
        browser.post("/checkout/", ADDRESS)
        browser.post("/checkout/delivery/", {f"vendor-{each.product.vendor_id}": "standard" for each in goods})
        phase = "from"
        pay(browser)
        card(browser, PAYS)
        signal.setitimer(signal.ITIMER_PROF, 0)
        assert "Thank you" in text(browser.response)
    for k, c in counts.items():
        t = sum(c.values())
        print(k, t, {a: f"{100*b/t:.1f}%" for a, b in c.items()})
    for w, c in where.most_common(40): print(c, w)
    t = counts["to"] + counts["from"]; print({a: f"{100*b/sum(t.values()):.1f}%" for a, b in t.items()})
