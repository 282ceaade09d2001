/** The relay: two listeners over one state, from start to a graceful stop. */

import { setImmediate } from "node:timers/promises";
import { KeyGuard } from "../auth/key_guard.ts";
import { createAddressSet } from "../base/cidr.ts";
import type { Cidr } from "../base/cidr.ts";
import type { Clock } from "../base/clock.ts";
import { toMessage } from "../base/errors.ts";
import { SharedTimers } from "../base/shared_timers.ts";
import type { Logger } from "../base/log.ts";
import { whenAborted } from "../base/when_aborted.ts";
import { checkHost } from "../http/host_check.ts";
import type { ListenAddress } from "../http/listen_address.ts";
import { Listener, type ListenerLimits } from "../http/listener.ts";
import { AuditLog, UnregisteredServers } from "./audit_log.ts";
import { ExchangeBook } from "./exchange_book.ts";
import {
  createAdminHandler,
  createPublicHandler,
  type RelaySettings,
  type RelayState,
} from "./handlers.ts";
import { Registry, type ServerEntry } from "./registry.ts";
import { Sessions } from "./sessions.ts";

/** The relay's configuration, decoded and checked. */
export interface RelayConfig extends Omit<RelaySettings, "trustedProxies"> {
  readonly host: string;
  /** 0 asks for a free one. */
  readonly port: number;
  readonly adminHost: string;
  /** False for no admin listener. */
  readonly adminPort: number | false;
  /** False if the port is only the default: then its being taken is no more than a warning. */
  readonly adminPortGiven: boolean;
  readonly trustedProxies: readonly Cidr[];
  /** Whether connections from those begin with a PROXY header. */
  readonly proxyProtocol: boolean;
  /** Most connections to one listener; in all, and of one address that is no trusted proxy. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly servers: readonly ServerEntry[];
}

export interface RelayOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly limits?: Partial<ListenerLimits>;
}

/** What only an open port could follow. */
const LISTENER_KEYS = [
  "host",
  "port",
  "adminHost",
  "adminPort",
  "proxyProtocol",
  "maxConnections",
  "maxConnectionsPerAddress",
] as const;

/** Where a relay listens. */
export interface RelayAddresses {
  readonly public: ListenAddress;
  readonly admin: ListenAddress | null;
}

export class Relay {
  readonly #config: RelayConfig;
  readonly #options: RelayOptions;
  readonly #timers: SharedTimers;
  readonly #state: RelayState;
  readonly #public: Listener;
  #admin: Listener | null = null;

  constructor(config: RelayConfig, options: RelayOptions) {
    const { log } = options;
    const clock = new SharedTimers(options.clock);
    this.#config = config;
    this.#timers = clock;
    const { maxConnections, maxConnectionsPerAddress } = config;
    const limits = { maxConnections, maxConnectionsPerAddress, ...options.limits };
    this.#options = { log, clock, limits };
    this.#state = {
      clock,
      log,
      registry: new Registry(clock, config.servers),
      sessions: new Sessions({ clock, log }),
      book: new ExchangeBook(),
      audit: new AuditLog(clock),
      keys: new KeyGuard(clock),
      unregistered: new UnregisteredServers(clock),
      settings: toSettings(config),
      isStopping: false,
    };
    const isTrusted = (address: string): boolean =>
      this.#state.settings.trustedProxies.has(address);
    this.#public = new Listener({
      ...this.#options,
      handler: createPublicHandler(this.#state),
      // A control channel is a WebSocket, whatever visitors may switch to.
      allowsUpgrade: (protocol) =>
        protocol === "websocket" || this.#state.settings.upgradeTokens.includes(protocol),
      proxyProtocol: config.proxyProtocol ? { isTrusted } : undefined,
      isProxy: isTrusted,
    });
  }

  /** Opens both ports. Rejects if the public one, or an admin one that was asked for, is taken. */
  async start(): Promise<RelayAddresses> {
    const { host, port } = this.#config;
    const opened = await this.#public.start({ host, port });
    try {
      return { public: opened, admin: await this.#startAdmin() };
    } catch (error) {
      await this.#public.close(AbortSignal.abort());
      this.#timers.close();
      throw error;
    }
  }

  /** Takes a new configuration, but for what the listeners began with: that wants a restart. */
  reload(config: RelayConfig): void {
    for (const key of LISTENER_KEYS) {
      if (config[key] !== this.#config[key]) {
        const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        this.#state.log.warn(`A changed ${name} takes effect only after a restart`);
      }
    }
    const { registry, book } = this.#state;
    this.#state.settings = toSettings(config);
    registry.update(config.servers);
    // One whose key changes may finish what it was given; one that is gone may not.
    book.revoke(({ name }) => registry.find(name) !== undefined);
    this.#state.audit.add("relay", "configuration reloaded");
  }

  /**
   * Stops gracefully: no new work, exchanges that a server has end, then the ports close. Once
   * `signal` aborts, what is left is cut.
   */
  async stop(signal: AbortSignal): Promise<void> {
    const { book, registry, sessions } = this.#state;
    this.#state.isStopping = true;
    book.failAll("waiting");
    for (const { queue } of registry.servers) queue.stop();
    // The listener has to stay open for it: bodies and answers come as new requests.
    await Promise.race([book.whenEmpty(), whenAborted(signal)]);
    if (signal.aborted) book.failAll("all");
    // Those that were just given up are told so, before their connections are cut.
    if (signal.aborted) await setImmediate();
    const closed = Promise.all([this.#public.close(signal), this.#admin?.close(signal)]);
    // After that, so that a server which comes back at once does not come back here.
    sessions.endAll("stopped");
    await closed;
    this.#timers.close();
  }

  async #startAdmin(): Promise<ListenAddress | null> {
    const { adminHost: host, adminPort: port, adminPortGiven } = this.#config;
    if (port === false) return null;
    const handler = checkHost(createAdminHandler(this.#state), {
      boundHost: host,
      allowedHosts: () => this.#state.settings.adminHosts,
    });
    const admin = new Listener({ ...this.#options, handler });
    try {
      const address = await admin.start({ host, port });
      this.#admin = admin;
      return address;
    } catch (error) {
      if (adminPortGiven) throw error;
      this.#state.log.warn("No admin pages: their port is taken", {
        port,
        reason: toMessage(error),
      });
      return null;
    }
  }
}

function toSettings(config: RelayConfig): RelaySettings {
  return { ...config, trustedProxies: createAddressSet(config.trustedProxies) };
}
