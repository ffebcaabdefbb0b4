/* The list of present visitors: rows, their claims, the filter. It knows nothing of connections. */
const NEW_MS = 60_000;
const LEFT_MS = 10_000;
const STATES = { active: ["good", "Here"], idle: ["calm", "Idle"], away: ["calm", "Away"] };

export class List {
  constructor(root, now) {
    this.root = root;
    this.now = now; // the server's clock, in ms
    this.me = root.dataset.me;
    this.rows = new Map(); // visit -> {row, visitor, left}
    this.claims = new Map(); // visit -> {by, note}
    this.body = document.getElementById("present");
    this.filters = document.getElementById("filters");
    this.clock = new Intl.DateTimeFormat("en-IE", { hour: "2-digit", minute: "2-digit", timeZone: root.dataset.zone });
    this.filters.addEventListener("input", () => this.tick());
    this.filters.addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("filter").hidden = true;
    for (const row of this.body.children) this.adopt(row);
  }

  /* A row that the server has drawn. */
  adopt(row) {
    const text = (selector) => row.querySelector(selector).textContent.trim();
    const { visit, since, pageSince, presence, tabs, level, by, note } = row.dataset;
    const visitor = {
      visit,
      name: text("th"),
      since: Number(since),
      page_since: Number(pageSince),
      state: presence,
      tabs: Number(tabs),
      level: Number(level),
      page: { title: text(".watch__page"), path: text(".watch__path") },
    };
    this.rows.set(visit, { row, visitor, left: 0 });
    if (by) this.claims.set(visit, { by, note });
  }

  draw(visitor, isNew) {
    let entry = this.rows.get(visitor.visit);
    if (!entry) {
      const row = document.getElementById("row").content.firstElementChild.cloneNode(true);
      row.dataset.visit = visitor.visit;
      entry = { row, visitor, left: 0 };
      this.rows.set(visitor.visit, entry);
      const time = row.querySelector("time");
      const came = new Date(visitor.since);
      time.dateTime = came.toISOString();
      time.textContent = this.clock.format(came);
      if (isNew) row.dataset.new = "";
      this.place(entry);
    }
    entry.visitor = visitor;
    entry.left = 0;
    this.fill(entry);
    this.tick();
  }

  /* Newest on top. */
  place(entry) {
    const since = entry.visitor.since;
    const after = [...this.body.children].find((other) => Number(other.dataset.since) <= since);
    entry.row.dataset.since = since;
    this.body.insertBefore(entry.row, after ?? null);
  }

  fill({ row, visitor }) {
    const set = (selector, text) => {
      const place = row.querySelector(selector);
      if (place.textContent !== text) place.textContent = text;
    };
    set("th", visitor.name);
    set(".watch__page", visitor.page.title || "not shown");
    set(".watch__path", visitor.page.path);
    set(".watch__tabs", visitor.tabs > 1 ? `${visitor.tabs} tabs` : "");
    const trail = row.querySelector(".watch__trail");
    trail.hidden = !visitor.trail?.length;
    trail.querySelector("ol").replaceChildren(
      ...(visitor.trail ?? []).map(({ title, path, seconds }) => {
        const item = document.createElement("li");
        item.textContent = `${title} ${path}, ${spell(seconds)}`;
        return item;
      }),
    );
    for (const [act, words] of [
      ["take", "Take"],
      ["release", "Let go"],
      ["cart", "See the cart of"],
    ]) {
      const button = row.querySelector(`.watch__${act}`);
      button.value = visitor.visit;
      button.setAttribute("aria-label", act === "release" ? `Let ${visitor.name} go` : `${words} ${visitor.name}`);
    }
    const cart = row.querySelector(".watch__cart");
    cart.hidden = visitor.level < 2;
  }

  depart(visit) {
    const entry = this.rows.get(visit);
    if (entry) entry.left = this.now();
    this.claims.delete(visit);
    this.tick();
  }

  claim(visit, by, note) {
    if (by) this.claims.set(visit, { by, note });
    else this.claims.delete(visit);
    this.tick();
  }

  replaceAll(present, claims) {
    const here = new Set(present.map((visitor) => visitor.visit));
    for (const visit of this.rows.keys()) if (!here.has(visit)) this.depart(visit);
    this.claims = new Map(Object.entries(claims));
    for (const visitor of present) this.draw(visitor, false);
    this.tick();
  }

  tick() {
    let here = 0;
    let shown = 0;
    for (const [visit, entry] of this.rows) {
      if (entry.left && this.now() - entry.left > LEFT_MS) {
        entry.row.remove();
        this.rows.delete(visit);
        continue;
      }
      here += entry.left ? 0 : 1;
      this.tickRow(visit, entry);
      shown += entry.row.hidden ? 0 : 1;
    }
    document.getElementById("count").textContent = here;
    document.getElementById("room").hidden = shown === 0;
    const nobody = document.getElementById("nobody");
    nobody.hidden = shown > 0;
    const words = this.rows.size ? "Nobody whom this search finds." : "Nobody at the moment.";
    if (!nobody.hidden && !nobody.textContent.includes(words)) nobody.textContent = words;
  }

  tickRow(visit, entry) {
    const { row, visitor } = entry;
    const [shape, word] = this.stateOf(entry);
    const badge = row.querySelector(".badge");
    badge.dataset.state = shape;
    if (badge.textContent !== word) badge.textContent = word;
    row.dataset.state = entry.left ? "left" : "here";
    if (!entry.left) row.querySelector(".watch__age").textContent = this.age(visitor);
    const claim = this.claims.get(visit);
    const by = row.querySelector(".watch__by");
    const holder = claim ? `${claim.by}${claim.note ? `: ${claim.note}` : ""}` : "";
    if (by.textContent.trim() !== holder) by.textContent = holder;
    const gone = Boolean(entry.left);
    row.querySelector(".watch__take").hidden = gone || Boolean(claim);
    row.querySelector(".watch__release").hidden = gone || claim?.by !== this.me;
    row.hidden = !this.isShown(visit, visitor);
  }

  /* The rules of the server's own filter. */
  isShown(visit, visitor) {
    const { q, show } = this.filters.elements;
    const text = `${visitor.name} ${visitor.page.title} ${visitor.page.path}`.toLowerCase();
    if (!text.includes(q.value.trim().toLowerCase())) return false;
    if (show.value === "free") return !this.claims.has(visit);
    if (show.value === "active") return visitor.state === "active";
    return show.value !== "idle" || visitor.state !== "active";
  }

  stateOf({ left, visitor }) {
    if (left) return ["calm", "Left"];
    if (visitor.state !== "active") return STATES[visitor.state];
    return this.now() - visitor.since < NEW_MS ? ["warn", "New"] : STATES.active;
  }

  age({ since, page_since: pageSince }) {
    const all = spell((this.now() - since) / 1000);
    if (!pageSince || pageSince - since < 1000) return all;
    return `${all}, ${spell((this.now() - pageSince) / 1000)} on this page`;
  }
}

function spell(seconds) {
  const all = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(all / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${all} s`;
}
