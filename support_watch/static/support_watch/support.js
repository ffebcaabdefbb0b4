/* Reports that this page is open: a heartbeat while it is visible, a beacon when it closes. */
const watched = document.getElementById("watched");
const seconds = Number(watched.dataset.seconds);
let token = watched.dataset.token;
let beating = 0;
let number = 0; // of beacons: the server passes over one that a later one has overtaken

function body() {
  number += 1;
  return new URLSearchParams({ token, number });
}

async function beat() {
  if (document.visibilityState !== "visible" || document.prerendering) return;
  try {
    const answer = await fetch(watched.dataset.beat, { method: "POST", body: body(), keepalive: true });
    if (answer.status === 200) token = (await answer.json()).token;
    if (answer.status === 403) stop();
  } catch {
    /* Offline: the next heartbeat tries again; the presence may expire before it. */
  }
}

function start() {
  stop();
  beating = window.setInterval(beat, seconds * 1000);
  beat();
}

function stop() {
  window.clearInterval(beating);
}

window.addEventListener("pagehide", () => {
  stop();
  navigator.sendBeacon(watched.dataset.leave, body());
});
window.addEventListener("pageshow", start);
document.addEventListener("visibilitychange", beat);
document.addEventListener("prerenderingchange", beat);
if (document.readyState === "complete") start();
