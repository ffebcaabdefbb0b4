/* The staff's live list. It checks each event's (epoch, seq), resyncs where a number is missing, and shows "Live" only
   while the server's heartbeats confirm its position. */
import { Ear } from "./sound.js";

const root = document.getElementById("watch");
const SILENT_MS = 12_000; // the server sends a heartbeat every 5 s
const NEW_MS = 60_000;
const LEFT_MS = 10_000;
const FORBIDDEN = 4403;
const TOO_MANY = 4429;

const ear = new Ear(document.getElementById("sound"));
const link = document.getElementById("link");
const rows = new Map(); // visit -> {row, since, left}
let position = root.dataset.epoch ? { epoch: root.dataset.epoch, seq: Number(root.dataset.seq) } : null;
let ahead = root.dataset.now ? Number(root.dataset.now) - Date.now() : 0; // the server's clock minus ours
let socket = null;
let heard = 0;
let tries = 0;
let refreshing = 0;
let over = false;

/* The mall's own time zone, wherever the browser is. */
const CLOCK = new Intl.DateTimeFormat("en-IE", { hour: "2-digit", minute: "2-digit", timeZone: root.dataset.zone });

const LINKS = {
  connecting: ["calm", "Connecting"],
  live: ["good", "Live"],
  behind: ["warn", "Catching up"],
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
}

function serverNow() {
  return Date.now() + ahead;
}

/* The list */

function draw(visitor, isNew) {
  let entry = rows.get(visitor.visit);
  if (!entry) {
    const row = document.getElementById("row").content.firstElementChild.cloneNode(true);
    row.dataset.visit = visitor.visit;
    row.querySelector("th").textContent = visitor.name;
    entry = { row, since: visitor.since, left: 0 };
    rows.set(visitor.visit, entry);
    const time = row.querySelector("time");
    const came = new Date(visitor.since);
    time.dateTime = came.toISOString();
    time.textContent = CLOCK.format(came);
    if (isNew) row.dataset.new = "";
    place(entry);
  }
  entry.left = 0;
  tick();
}

/* Newest on top. */
function place(entry) {
  const list = document.getElementById("present");
  const after = [...list.children].find((other) => Number(other.dataset.since) <= entry.since);
  entry.row.dataset.since = entry.since;
  list.insertBefore(entry.row, after ?? null);
}

function depart(visit) {
  const entry = rows.get(visit);
  if (entry) entry.left = serverNow();
  tick();
}

function age(since) {
  const all = Math.max(0, Math.floor((serverNow() - since) / 1000));
  const minutes = Math.floor(all / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${all} s`;
}

function stateOf(entry) {
  if (entry.left) return ["calm", "Left"];
  return serverNow() - entry.since < NEW_MS ? ["warn", "New"] : ["good", "Here"];
}

function tick() {
  let here = 0;
  for (const [visit, entry] of rows) {
    if (entry.left && serverNow() - entry.left > LEFT_MS) {
      entry.row.remove();
      rows.delete(visit);
      continue;
    }
    here += entry.left ? 0 : 1;
    const [shape, word] = stateOf(entry);
    const badge = entry.row.querySelector(".badge");
    badge.dataset.state = shape;
    if (badge.textContent !== word) badge.textContent = word;
    entry.row.dataset.state = entry.left ? "left" : "here";
    if (!entry.left) entry.row.querySelector(".watch__age").textContent = age(entry.since);
  }
  document.getElementById("count").textContent = here;
  document.getElementById("room").hidden = rows.size === 0;
  document.getElementById("nobody").hidden = rows.size > 0;
}

function adopt() {
  for (const row of document.getElementById("present").children) {
    rows.set(row.dataset.visit, { row, since: Number(row.dataset.since), left: 0 });
  }
}

function replaceAll(present) {
  const here = new Set(present.map((visitor) => visitor.visit));
  for (const visit of rows.keys()) if (!here.has(visit)) depart(visit);
  for (const visitor of present) draw(visitor, false);
}

function say(words) {
  document.getElementById("said").textContent = words;
}

/* Events */

function take(event, isLive) {
  position = { epoch: event.epoch, seq: event.seq };
  if (event.type === "leave" || event.type === "expire") depart(event.visit);
  else if (!event.late) draw(event, isLive && event.first);
  if (event.first && isLive) {
    say(`${event.name} opened the support page`);
    ear.chime();
  }
  refreshSoon();
}

function follows(event) {
  return position && event.epoch === position.epoch && event.seq === position.seq + 1;
}

function isKnown(event) {
  return position && event.epoch === position.epoch && event.seq <= position.seq;
}

function resync() {
  show("behind");
  send({ op: "resync", last: position });
}

const handlers = {
  snapshot(message) {
    position = { epoch: message.epoch, seq: message.seq };
    replaceAll(message.present);
    if (message.recovered === false) {
      document.getElementById("missed").hidden = false;
      refreshSoon();
    }
    show("live");
  },
  replay(message) {
    for (const event of message.events) if (!isKnown(event)) take(event, true);
    show(message.more ? "behind" : "live");
  },
  ev(message) {
    if (follows(message.event)) take(message.event, true);
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

/* The connection */

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function connect() {
  window.clearTimeout(connect.timer);
  if (over) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(`${scheme}//${location.host}${root.dataset.socket}`);
  socket = mine;
  heard = performance.now();
  mine.addEventListener("open", () => send({ op: "sub", last: position }));
  mine.addEventListener("message", ({ data }) => {
    if (mine !== socket) return;
    heard = performance.now();
    tries = 0;
    const message = JSON.parse(data);
    if (message.now) ahead = message.now - Date.now();
    handlers[message.op]?.(message);
  });
  mine.addEventListener("close", ({ code }) => {
    if (mine === socket) lose(code);
  });
}

function lose(code) {
  socket = null;
  if (code === FORBIDDEN) {
    end("over");
    return;
  }
  show(code === TOO_MANY ? "refused" : "lost");
  const wait = Math.min(10_000, 500 * 2 ** tries) * (0.5 + Math.random());
  tries += 1;
  if (tries > 2) askWhy();
  connect.timer = window.setTimeout(connect, code === TOO_MANY ? 15_000 : wait);
}

/* A refused handshake carries no reason; the page itself shows it: signed out, or access ended. */
async function askWhy() {
  try {
    const answer = await fetch("?part=history");
    if (answer.redirected) end("left");
    else if (answer.status === 404) end("over");
  } catch {
    /* No response: a lost connection. */
  }
}

function end(state) {
  over = true;
  replaceAll([]);
  show(state);
  document.getElementById("reload").hidden = false;
}

function watchOver() {
  tick();
  if (socket && performance.now() - heard > SILENT_MS) {
    const silent = socket;
    lose(0);
    silent.close();
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

adopt();
show("connecting");
document.getElementById("reload").hidden = true;
connect();
window.setInterval(watchOver, 1000);
window.addEventListener("online", () => socket || connect());
window.addEventListener("pageshow", (event) => event.persisted && !socket && connect());
