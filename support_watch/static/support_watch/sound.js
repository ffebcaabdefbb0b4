/* Two soft notes for an arrival; off until the button is pressed, as browsers ask and people prefer. */
export class Ear {
  constructor(button) {
    this.button = button;
    this.audio = null;
    button.hidden = false;
    button.addEventListener("click", () => this.toggle());
  }

  toggle() {
    if (this.audio) {
      this.audio.close();
      this.audio = null;
    } else {
      this.audio = new AudioContext();
      this.chime();
    }
    this.button.setAttribute("aria-pressed", String(Boolean(this.audio)));
    this.button.textContent = this.audio ? "Sound is on" : "Sound is off";
  }

  chime() {
    if (!this.audio) return;
    this.note(659, 0);
    this.note(880, 0.14);
  }

  note(hertz, after) {
    const start = this.audio.currentTime + after;
    const tone = new OscillatorNode(this.audio, { type: "sine", frequency: hertz });
    const volume = new GainNode(this.audio, { gain: 0 });
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.12, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.5);
    tone.connect(volume).connect(this.audio.destination);
    tone.start(start);
    tone.stop(start + 0.5);
  }
}
