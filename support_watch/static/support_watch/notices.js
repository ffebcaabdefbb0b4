/* Notices of an arrival outside the page: a count in the title, and a desktop notification where it is switched on. */
export class Notices {
  constructor(button) {
    this.button = button;
    this.isOn = false;
    this.unseen = 0;
    this.title = document.title;
    document.addEventListener("visibilitychange", () => this.look());
    if (!("Notification" in window)) return;
    button.hidden = false;
    button.addEventListener("click", () => this.toggle());
  }

  async toggle() {
    if (!this.isOn && Notification.permission !== "granted") await Notification.requestPermission();
    this.isOn = !this.isOn && Notification.permission === "granted";
    this.button.setAttribute("aria-pressed", String(this.isOn));
    this.button.textContent = this.isOn ? "Notifications are on" : "Notifications are off";
    if (Notification.permission === "denied") this.button.textContent = "Notifications are blocked by the browser";
  }

  announce(visit, words) {
    if (document.visibilityState === "visible") return;
    this.unseen += 1;
    document.title = `(${this.unseen}) ${this.title}`;
    // One tag a visit: several screens of one browser show one notification.
    if (this.isOn) new Notification(words, { tag: visit });
  }

  look() {
    if (document.visibilityState !== "visible") return;
    this.unseen = 0;
    document.title = this.title;
  }
}
