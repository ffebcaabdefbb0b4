/* Reports that this page is open: a heartbeat with its state, and a beacon when it closes. */

/* The state of this page: away while hidden, idle without a key, a pointer or a scroll for a while. */
class Attention {
  constructor(idleSeconds, changed) {
    this.idleMs = idleSeconds * 1000;
    this.moved = performance.now();
    this.last = this.state();
    this.changed = changed;
    for (const kind of ["pointermove", "pointerdown", "keydown", "scroll", "touchstart"]) {
      window.addEventListener(kind, () => this.move(), { passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => this.move());
    window.setInterval(() => this.look(), 1000);
  }

  move() {
    this.moved = performance.now();
    this.look();
  }

  look() {
    const now = this.state();
    if (now === this.last) return;
    this.last = now;
    this.changed();
  }

  state() {
    if (document.visibilityState !== "visible") return "away";
    return performance.now() - this.moved > this.idleMs ? "idle" : "active";
  }
}

class Watched {
  constructor(place) {
    this.place = place;
    this.token = place.dataset.watchToken;
    this.line = place.querySelector("[data-watch-line]");
    this.number = 0; // of beacons: the server passes over one that a later one has overtaken
    this.beating = 0;
    this.refused = false;
    this.hasLeft = false; // a page that is closed is hidden, too, a moment after it has left
  }

  body() {
    this.number += 1;
    return new URLSearchParams({ token: this.token, number: this.number, state: attention.state() });
  }

  async beat() {
    if (document.prerendering || this.refused || this.hasLeft) return;
    try {
      const answer = await fetch(this.place.dataset.beat, { method: "POST", body: this.body(), keepalive: true });
      if (answer.status === 403) this.refuse();
      else if (answer.status === 200) this.hear(await answer.json());
      else if (answer.status === 204) this.say("");
    } catch {
      /* Offline: the next heartbeat tries again; the presence may expire before it. */
    }
  }

  hear({ token, line }) {
    if (token) this.token = token;
    this.say(line ?? "");
  }

  say(words) {
    if (this.line.textContent.trim() !== words) this.line.textContent = words;
    this.line.hidden = !words;
  }

  refuse() {
    this.refused = true;
    this.stop();
  }

  start() {
    this.stop();
    this.hasLeft = false;
    this.beating = window.setInterval(() => this.beat(), Number(this.place.dataset.seconds) * 1000);
    this.beat();
  }

  stop() {
    window.clearInterval(this.beating);
  }

  leave() {
    this.stop();
    this.hasLeft = true;
    navigator.sendBeacon(this.place.dataset.leave, this.body());
  }
}

const all = [...document.querySelectorAll("[data-watch-token]")].map((place) => new Watched(place));
const attention = new Attention(Number(all[0].place.dataset.idle), beatAll);

function beatAll() {
  for (const one of all) one.beat();
}

function startAll() {
  for (const one of all) one.start();
}

window.addEventListener("pagehide", () => {
  for (const one of all) one.leave();
});
window.addEventListener("pageshow", startAll);
document.addEventListener("prerenderingchange", startAll);
if (document.readyState === "complete") startAll();
