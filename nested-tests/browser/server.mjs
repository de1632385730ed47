// Starts the example that serves a test picture (examples/page) and reads what it says.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { PATIENCE } from "./chromium.mjs";

export class Server {
  /** What came in, one object each. */
  said = [];
  /** Addresses with a fresh token, the newest last. */
  urls = [];
  errors = [];
  #child;
  #wake = new Set();

  /** `program` is the built example; the rest are its arguments: "still" for a picture that doesn't move, … */
  static async start(program, ...args) {
    const server = new Server();
    server.#child = spawn(program, ["127.0.0.1:0", ...args.filter((arg) => arg !== undefined)], { stdio: ["pipe", "pipe", "pipe"] });
    server.#lines(server.#child.stdout, (line) => {
      const said = JSON.parse(line);
      if (said.url) server.urls.push(said.url);
      else server.said.push(said);
    });
    server.#lines(server.#child.stderr, (line) => {
      server.errors.push(line);
      const next = /the next one may use(?: and speak at)? (https?:\S+)/.exec(line);
      if (next) server.urls.push(next[1]);
    });
    await server.until(() => server.urls.length > 0, "an address");
    return server;
  }

  #lines(stream, take) {
    createInterface({ input: stream }).on("line", (line) => {
      take(line);
      for (const wake of [...this.#wake]) wake();
    });
  }

  /** Waits until `what` gives something true; looks again at each line. */
  until(what, name) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = what();
        if (!found) return;
        end();
        resolve(found);
      };
      const end = () => {
        clearTimeout(late);
        this.#wake.delete(look);
      };
      const late = setTimeout(() => {
        end();
        const said = this.said.slice(-20).map((s) => JSON.stringify(s));
        reject(new Error(`the server never said ${name}; it said\n${said.join("\n")}\n${this.errors.join("\n")}`));
      }, PATIENCE);
      this.#wake.add(look);
      look();
    });
  }

  signal(name) {
    this.#child.kill(name);
  }

  /** Ends the session with this reason. */
  async bye(reason) {
    const exit = once(this.#child, "exit");
    this.#child.stdin.write(`${reason}\n`);
    await exit;
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGCONT");
    this.#child.kill("SIGTERM");
    await exit;
  }
}
