/**
 * One relay and one server, each original or ours, with the files they need. The checks ask it for
 * answers and stop, start and misconfigure its programs.
 */

import { blake3 } from "@noble/hashes/blake3";
import { fromFileUrl, join } from "@std/path";
import type { Originals } from "./build_originals.ts";
import { Program } from "./program.ts";
import type { Tree } from "./tree.ts";
import { type Answer, visit, type VisitOptions } from "./visitor.ts";
import { until } from "./wait.ts";

export type Make = "original" | "ours";

/** Who made which program. */
export interface Pairing {
  readonly relay: Make;
  readonly server: Make;
}

export interface WorldOptions {
  readonly pairing: Pairing;
  readonly originals: Originals;
  readonly tree: Tree;
}

const SERVER_NAME = "interop";
const RELAY_READY_MS = 15_000;
const TEMPLATES = fromFileUrl(new URL("./originals/templates", import.meta.url));
const RELAY_ENTRY = fromFileUrl(new URL("../../relay.ts", import.meta.url));
const SERVER_ENTRY = fromFileUrl(new URL("../../server.ts", import.meta.url));

/** Disposing of it ends its programs and removes its files; the tree is the caller's. */
export class World implements AsyncDisposable {
  readonly pairing: Pairing;
  readonly tree: Tree;
  /** The relay's port on 127.0.0.1. */
  readonly port: number;
  readonly #originals: Originals;
  readonly #folder: string;
  #key = createKey();
  #relay: Program | undefined;
  #server: Program | undefined;

  private constructor(options: WorldOptions, folder: string, port: number) {
    this.pairing = options.pairing;
    this.tree = options.tree;
    this.port = port;
    this.#originals = options.originals;
    this.#folder = folder;
  }

  /** Starts neither program. */
  static async create(options: WorldOptions): Promise<World> {
    const folder = await Deno.makeTempDir({ prefix: "ptth_interop_" });
    await Deno.symlink(TEMPLATES, join(folder, "handlebars"));
    await Deno.mkdir(join(folder, "config"));
    return new World(options, folder, freePort());
  }

  get relay(): Program {
    if (this.#relay === undefined) throw new Error("The relay has not been started");
    return this.#relay;
  }

  get server(): Program {
    if (this.#server === undefined) throw new Error("The server has not been started");
    return this.#server;
  }

  /** Starts the relay, for servers with the key that is valid now, and waits until it answers. */
  async startRelay(): Promise<void> {
    // The original looks for this one path below its working directory.
    const config = join(this.#folder, "config", "ptth_relay.toml");
    await Deno.writeTextFile(config, this.#relayConfig());
    const relay = new Program({
      label: `${this.pairing.relay} relay`,
      ...(this.pairing.relay === "original"
        ? { command: this.#originals.relay, args: [] }
        : { command: Deno.execPath(), args: ["run", "-A", RELAY_ENTRY, "--config", config] }),
      cwd: this.#folder,
    });
    this.#relay = relay;
    await until("the relay answers", RELAY_READY_MS, async () => {
      if (!relay.running) throw new Error(`The relay ended with ${await relay.exited}`);
      const answer = await visit(this.port, "/frontend/relay_up_check").catch(() => undefined);
      return answer?.status === 200;
    });
  }

  /** Starts the server; whether it has reached the relay is the caller's to see. */
  async startServer(): Promise<void> {
    const config = join(this.#folder, "ptth_server.toml");
    await Deno.writeTextFile(config, this.#serverConfig());
    await Deno.chmod(config, 0o600);
    this.#server = new Program({
      label: `${this.pairing.server} server`,
      ...(this.pairing.server === "original"
        ? { command: this.#originals.server, args: [config] }
        : { command: Deno.execPath(), args: ["run", "-A", SERVER_ENTRY, "--config", config] }),
      cwd: this.#folder,
    });
  }

  /** The next program to start uses a key that the other one does not know. */
  changeKey(): void {
    this.#key = createKey();
  }

  /** The target of a path below the server's name, such as `/files/`; `rest` is encoded. */
  target(rest: string): string {
    return `/frontend/servers/${SERVER_NAME}${rest}`;
  }

  /** The target of a file or folder of the tree, its names percent-encoded. */
  fileTarget(path: string): string {
    return this.target(`/files/${encodePath(path)}`);
  }

  /** Asks the server, through the relay. */
  visit(rest: string, options?: VisitOptions): Promise<Answer> {
    return visit(this.port, this.target(rest), options);
  }

  visitFile(path: string, options?: VisitOptions): Promise<Answer> {
    return visit(this.port, this.fileTarget(path), options);
  }

  /**
   * Waits until a visitor is served. Every try has a short time limit, so that one that got lost
   * does not hide the recovery.
   */
  async untilServed(deadlineMs: number): Promise<void> {
    await until("a visitor is served", deadlineMs, async () => {
      if (!this.server.running) {
        throw new Error(`The server ended with ${await this.server.exited}`);
      }
      const answer = await this.visitFile("12.txt", { timeoutMs: 2000 }).catch(() => undefined);
      return answer?.status === 200;
    });
  }

  /** What the programs last wrote, for the report of a failure. */
  get outputs(): string {
    return [this.#relay, this.#server].filter((program) => program !== undefined)
      .map((program) => `--- ${program.label}\n${program.output}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.kill();
    await this.#relay?.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #relayConfig(): string {
    const tripcode = blake3(new TextEncoder().encode(this.#key)).toBase64();
    // The original ignores the keys that it does not know.
    return `host = "127.0.0.1"
port = ${this.port}
admin_port = false

[[servers]]
name = "${SERVER_NAME}"
tripcode = "${tripcode}"
`;
  }

  #serverConfig(): string {
    return `name = "${SERVER_NAME}"
api_key = "${this.#key}"
relay_url = "http://127.0.0.1:${this.port}/7ZSFUKGV"
file_server_root = "${this.tree.root}"
`;
  }
}

/** Each name of the path percent-encoded, the slashes kept. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function createKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64();
}

/** A port that was free a moment ago: the original cannot take 0 and tell which it got. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
