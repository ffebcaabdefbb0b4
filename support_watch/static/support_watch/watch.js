/* The desk. It checks each event's (epoch, seq), resyncs where a number is missing, and shows "Live" only while the
   server's heartbeats confirm its position. */
import { Feed } from "./feed.js";
import { List } from "./list.js";
import { Notices } from "./notices.js";
import { Ear } from "./sound.js";

const root = document.getElementById("watch");
const ear = new Ear(document.getElementById("sound"));
const notices = new Notices(document.getElementById("notify"));
const link = document.getElementById("link");
const pause = document.getElementById("pause");
let position = root.dataset.epoch ? { epoch: root.dataset.epoch, seq: Number(root.dataset.seq) } : null;
let ahead = root.dataset.now ? Number(root.dataset.now) - Date.now() : 0; // the server's clock minus ours
let refreshing = 0;
let held = null; // messages that wait while the list is paused

const list = new List(root, () => Date.now() + ahead);

const LINKS = {
  connecting: ["calm", "Connecting"],
  live: ["good", "Live"],
  behind: ["warn", "Catching up"],
  paused: ["calm", "Paused"],
  lost: ["bad", "Connection lost, trying again"],
  refused: ["bad", "Open in too many windows"],
  over: ["bad", "Not yours to watch any more"],
  left: ["bad", "Signed out"],
};

function show(state) {
  const [shape, words] = LINKS[state];
  if (link.textContent !== words) link.textContent = words;
  link.dataset.state = shape;
  link.dataset.link = state;
  link.title = state === "live" ? `By ${feed.name}` : "";
  link.dataset.transport = feed.transport;
}

function say(words) {
  document.getElementById("said").textContent = words;
}

/* Events */

const EVENTS = {
  leave: (event) => list.depart(event.visit),
  expire: (event) => list.depart(event.visit),
  claim: (event) => list.claim(event.visit, event.by, event.note),
  release: (event) => list.claim(event.visit, "", ""),
};

function take(event) {
  position = { epoch: event.epoch, seq: event.seq };
  if (event.type in EVENTS) EVENTS[event.type](event);
  else if (!event.late) list.draw(event, event.first);
  if (event.first) {
    const words = `${event.name} opened ${event.page.title ? `the ${event.page.title}` : "a page"}`;
    say(words);
    ear.chime();
    notices.announce(event.visit, words);
  }
  refreshSoon();
}

function isKnown(event) {
  return position && event.epoch === position.epoch && event.seq <= position.seq;
}

function follows(event) {
  return position && event.epoch === position.epoch && event.seq === position.seq + 1;
}

function resync() {
  show("behind");
  feed.resync();
}

const handlers = {
  snapshot(message) {
    position = { epoch: message.epoch, seq: message.seq };
    list.replaceAll(message.present, message.claims);
    if (message.recovered === false) {
      document.getElementById("missed").hidden = false;
      refreshSoon();
    }
    show("live");
  },
  replay(message) {
    for (const event of message.events) if (!isKnown(event)) take(event);
    show(message.more ? "behind" : "live");
  },
  ev(message) {
    if (follows(message.event)) take(message.event);
    else if (!isKnown(message.event)) resync();
  },
  hb(message) {
    if (!position || message.epoch !== position.epoch || message.seq > position.seq) resync();
    else show("live");
  },
  stall() {
    show("behind");
  },
};

function hear(message) {
  if (message.now) ahead = message.now - Date.now();
  if (!held) {
    handlers[message.op]?.(message);
    return;
  }
  if (message.op === "hb" || message.op === "stall") return;
  if (message.op === "snapshot") held.length = 0; // it holds all that came before
  held.push(message);
  const news = held.filter(({ op, event }) => op === "ev" && event.first).length;
  pause.textContent = news ? `Go on (${news} new)` : "Go on";
}

const feed = new Feed({
  socket: root.dataset.socket,
  stream: root.dataset.stream,
  position: () => lastHeld() ?? position,
  hear,
  lost: (isRefused) => show(isRefused ? "refused" : "lost"),
  ended(cause) {
    held = null;
    list.replaceAll([], {});
    show(cause);
    document.getElementById("reload").hidden = false;
  },
});

/* While paused the connection is as far as the last message that waits. */
function lastHeld() {
  const last = held?.findLast(({ seq }) => seq !== undefined);
  return last && { epoch: last.epoch, seq: last.seq };
}

function togglePause() {
  if (held) {
    const waiting = held;
    held = null;
    pause.textContent = "Pause";
    show("behind");
    for (const message of waiting) handlers[message.op]?.(message);
    if (!waiting.length) show("live");
  } else {
    held = [];
    pause.textContent = "Go on";
    show("paused");
  }
  pause.setAttribute("aria-pressed", String(Boolean(held)));
}

/* Claims: a plain form without this; with it the answer is said, and the list follows the event. */
async function act(event) {
  const button = event.submitter;
  const form = event.currentTarget;
  if (button?.classList.contains("watch__cart")) return; // a page of its own
  event.preventDefault();
  const body = new FormData(form);
  body.set("visit", button.value);
  try {
    const address = button.getAttribute("formaction") ?? form.action;
    const answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
    const { words } = await answer.json();
    say(words);
    if (answer.ok) form.elements.note.value = "";
    document.getElementById("told").textContent = answer.ok ? "" : words;
  } catch {
    say("That did not arrive. Try again.");
  }
}

/* Today's history comes from the database, a moment after the event. */
function refreshSoon() {
  window.clearTimeout(refreshing);
  refreshing = window.setTimeout(refresh, 1000);
}

async function refresh() {
  try {
    const answer = await fetch("?part=history");
    if (!answer.ok || answer.redirected) return;
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("history").replaceChildren(...parsed.body.childNodes);
  } catch {
    /* Offline: the badge says so, and the next event asks again. */
  }
}

show("connecting");
document.getElementById("reload").hidden = true;
pause.hidden = false;
pause.addEventListener("click", togglePause);
document.getElementById("desk").addEventListener("submit", act);
feed.connect();
window.setInterval(() => list.tick(), 1000);
