/** Enhancements of the pages; each page works without scripts. */

/** Put minus and plus beside a quantity. */
function step(room) {
  const field = room.querySelector("input");
  const button = (words, icon, by) => {
    const made = document.createElement("button");
    made.type = "button";
    made.setAttribute("aria-label", words);
    made.textContent = icon;
    made.addEventListener("click", () => {
      const least = Number(field.min || 0);
      const most = Number(field.max || Infinity);
      field.value = Math.min(most, Math.max(least, Number(field.value || least) + by));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    return made;
  };
  field.before(button(room.dataset.less, "−", -1));
  field.after(button(room.dataset.more, "+", 1));
  room.removeAttribute("data-stepper");
}

/** Show a picture without moving the page, and mark its thumbnail as the one seen. */
function show(gallery) {
  const thumbs = [...gallery.querySelectorAll(".gallery__thumb")];
  const strip = gallery.querySelector(".gallery__strip");
  const mark = (at) => {
    for (const [place, thumb] of thumbs.entries()) {
      if (place === at) thumb.setAttribute("aria-current", "true");
      else thumb.removeAttribute("aria-current");
    }
  };
  for (const [at, thumb] of thumbs.entries()) {
    thumb.addEventListener("click", (event) => {
      event.preventDefault();
      strip.scrollTo({ left: strip.children[at].offsetLeft - strip.children[0].offsetLeft });
      mark(at);
    });
  }
  strip.addEventListener("scrollend", () => mark(Math.round(strip.scrollLeft / strip.clientWidth)));
}

/** Walk from a search box into its suggestions and back by arrow keys; Escape and leaving close them. */
function walkSuggestions(list) {
  const form = list.closest("form");
  const field = form.querySelector("input[type=search]");
  form.addEventListener("keydown", (event) => {
    const places = [field, ...list.querySelectorAll("a")];
    const at = places.indexOf(document.activeElement);
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && list.firstElementChild) {
      list.replaceChildren();
      field.focus();
      event.preventDefault();
    } else if (by && at >= 0 && places.length > 1) {
      places[(at + by + places.length) % places.length].focus();
      event.preventDefault();
    }
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) list.replaceChildren();
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // a click is no leaving
  list.removeAttribute("data-suggestions");
}

/** Show a button that prints the page. */
function offerPrint(button) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

/** Take away a button that does by hand what a script does at each change. */
function spare(button) {
  button.remove();
}

function enliven(room) {
  room.querySelectorAll("[data-scriptless]").forEach(spare);
  room.querySelectorAll("[data-stepper]").forEach(step);
  room.querySelectorAll(".gallery").forEach(show);
  room.querySelectorAll("[data-print]").forEach(offerPrint);
  room.querySelectorAll("[data-suggestions]").forEach(walkSuggestions);
}

/** Scroll the cart's message into view, for it stands above the page. */
function showMessage() {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById("told").scrollIntoView({ block: "nearest", behavior: calm ? "instant" : "smooth" });
}

/** A page that comes back out of the browser's memory shows the cart as it was then: ask how many lie in it now. */
function recount(event) {
  if (!event.persisted || !window.htmx) return;
  htmx.ajax("GET", location.href, { target: "#cart-count", select: "#cart-count", swap: "outerHTML" });
}

/** Keep the focus: where what had it is gone after a swap, it goes to what stands for it (data-focus), the last first. */
function keepFocus(event) {
  const room = event.detail.elt;
  if (document.activeElement !== document.body || !room.isConnected) return;
  const standIns = [...room.querySelectorAll("[data-focus]")];
  if (room.matches("[data-focus]")) standIns.unshift(room);
  standIns.at(-1)?.focus({ preventScroll: true });
}

enliven(document);
window.addEventListener("pageshow", recount);
document.addEventListener("htmx:load", (event) => enliven(event.target));
document.addEventListener("htmx:oobAfterSwap", showMessage);
document.addEventListener("htmx:afterSettle", keepFocus);
