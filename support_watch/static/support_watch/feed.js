/* The connection to the feed: a WebSocket, or server-sent events where the network breaks sockets. It chooses by itself.

   It calls ``hear`` for each message of the server, ``lost`` when the connection has gone and is tried again, and
   ``ended`` with a cause when it is over for good. */
const SILENT_MS = 12_000; // the server sends a heartbeat every 5 s
const FORBIDDEN = 4403;
const SIGNED_OUT = 4401;
const TOO_MANY = 4429;
const SOCKET_TRIES = 2; // sockets in a row that never said a word, before the stream is tried

export class Feed {
  constructor({ socket, stream, position, hear, lost, ended }) {
    Object.assign(this, { socketPath: socket, streamPath: stream, position, hear, lost, ended });
    this.transport = "socket";
    this.current = null;
    this.lastId = "";
    this.heard = 0;
    this.tries = 0;
    this.mute = 0; // connections in a row without a word
    this.over = false;
    window.setInterval(() => this.look(), 1000);
    window.addEventListener("online", () => this.current || this.connect());
    window.addEventListener("pageshow", (event) => event.persisted && !this.current && this.connect());
  }

  get name() {
    return this.transport === "socket" ? "WebSocket" : "event stream";
  }

  connect() {
    window.clearTimeout(this.timer);
    if (this.over) return;
    this.heard = performance.now();
    this.current = this.transport === "socket" ? this.openSocket() : this.openStream();
  }

  openSocket() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.socketPath}`);
    socket.addEventListener("open", () => socket.send(JSON.stringify({ op: "sub", last: this.position() })));
    socket.addEventListener("message", ({ data }) => socket === this.current?.socket && this.take(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => socket === this.current?.socket && this.lose(code));
    return { socket, close: () => socket.close() };
  }

  openStream() {
    const abort = new AbortController();
    const mine = { close: () => abort.abort() };
    this.readStream(abort.signal, mine).then(
      (code) => mine === this.current && this.lose(code),
      () => mine === this.current && this.lose(0),
    );
    return mine;
  }

  /* EventSource hides why it was refused; fetch does not. */
  async readStream(signal, mine) {
    const headers = { Accept: "text/event-stream" };
    if (this.lastId && this.position()) headers["Last-Event-ID"] = this.lastId;
    const answer = await fetch(this.streamPath, { headers, signal, cache: "no-store" });
    if (answer.status === 429) return TOO_MANY;
    if (!answer.ok) return 0;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 0;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        if (mine !== this.current) return 0;
        const code = this.takeBlock(block);
        if (code) return code;
      }
    }
  }

  takeBlock(block) {
    for (const line of block.split("\n")) {
      if (line.startsWith("id: ")) this.lastId = line.slice(4);
      if (!line.startsWith("data: ")) continue;
      const message = JSON.parse(line.slice(6));
      if (message.op === "end") return message.code;
      this.take(message);
    }
    return 0;
  }

  take(message) {
    this.heard = performance.now();
    this.tries = 0;
    this.mute = 0;
    this.hear(message);
  }

  /* After a hole in the numbers: ask on the socket, or come back to the stream without a position. */
  resync() {
    if (this.transport === "socket") {
      if (this.current?.socket.readyState === WebSocket.OPEN) {
        this.current.socket.send(JSON.stringify({ op: "resync", last: this.position() }));
      }
      return;
    }
    this.lastId = "";
    const old = this.current;
    this.connect();
    old?.close();
  }

  lose(code) {
    this.current = null;
    if (code === FORBIDDEN || code === SIGNED_OUT) {
      this.end(code === FORBIDDEN ? "over" : "left");
      return;
    }
    this.mute += 1;
    if (this.mute >= SOCKET_TRIES && code !== TOO_MANY) {
      this.transport = this.transport === "socket" ? "stream" : "socket";
      this.mute = 0;
      this.lastId = "";
    }
    this.lost(code === TOO_MANY);
    const wait = Math.min(10_000, 500 * 2 ** this.tries) * (0.5 + Math.random());
    this.tries += 1;
    if (this.tries > 2) this.askWhy();
    this.timer = window.setTimeout(() => this.connect(), code === TOO_MANY ? 15_000 : wait);
  }

  /* A refused handshake carries no reason; the page itself shows it: signed out, or access ended. */
  async askWhy() {
    try {
      const answer = await fetch("?part=history");
      if (answer.redirected) this.end("left");
      else if (answer.status === 404) this.end("over");
    } catch {
      /* No response: a lost connection. */
    }
  }

  end(cause) {
    this.over = true;
    window.clearTimeout(this.timer);
    this.current?.close();
    this.current = null;
    this.ended(cause);
  }

  look() {
    if (this.current && performance.now() - this.heard > SILENT_MS) {
      const silent = this.current;
      this.lose(0);
      silent.close();
    }
  }
}
