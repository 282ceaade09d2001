import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/base/errors.ts";
import { readFlags } from "../../lib/config/flags.ts";
import { RELAY_OPTIONS } from "../../lib/config/relay_options.ts";
import { SERVER_OPTIONS } from "../../lib/config/server_options.ts";

function valuesOf(args: string[]): Record<string, unknown> {
  const { givens } = readFlags(args, RELAY_OPTIONS);
  return Object.fromEntries([...givens].map(([name, { value }]) => [name, value]));
}

Deno.test("readFlags reads values behind a space and behind =", () => {
  const cases: [args: string[], values: Record<string, unknown>][] = [
    [[], {}],
    [["--port", "8080"], { port: 8080 }],
    [["--port=0"], { port: 0 }],
    [["--host", "1"], { host: "1" }],
    [["--host=::1"], { host: "::1" }],
    [["--admin-port", "false"], { adminPort: false }],
    [["--config", "a=b.toml"], { config: "a=b.toml" }],
    [["--config=a=b.toml"], { config: "a=b.toml" }],
    [["--config", "007"], { config: "007" }],
    [["--config-path", "x.toml"], { config: "x.toml" }],
    [["--answer-timeout", "2.5"], { answerTimeout: 2.5 }],
    [["-h"], { help: true }],
    [["--debug-routes"], { debugRoutes: true }],
    [["--debug-routes=true"], { debugRoutes: true }],
    [["--debug-routes=false"], { debugRoutes: false }],
    [["--debug-routes", "--port", "1"], { debugRoutes: true, port: 1 }],
    [["--trusted-proxies", "::1", "--trusted-proxies=10.0.0.0/8"], {
      trustedProxies: ["::1", "10.0.0.0/8"],
    }],
  ];
  for (const [args, values] of cases) assertEquals(valuesOf(args), values, args.join(" "));
});

Deno.test("readFlags keeps positionals as text, and all that follows --", () => {
  assertEquals(readFlags(["007", "--port", "1", "x"], RELAY_OPTIONS).positionals, ["007", "x"]);
  const line = readFlags(["--port=1", "--", "--port", "-x"], RELAY_OPTIONS);
  assertEquals(line.positionals, ["--port", "-x"]);
  assertEquals(line.givens.get("port")?.value, 1);
});

Deno.test("readFlags refuses faulty options, in words that say what is wanted", () => {
  const cases: [args: string[], message: string, hint?: string][] = [
    [["--prot", "1"], 'Unknown option "--prot"', 'Did you mean "--port"?'],
    [["--prot=1"], 'Unknown option "--prot"', 'Did you mean "--port"?'],
    [["--admin_port=1"], 'Unknown option "--admin_port"', 'Did you mean "--admin-port"?'],
    [
      ["--public_server_lst"],
      'Unknown option "--public_server_lst"',
      'Did you mean "--public-server-list"?',
    ],
    [["--confg-path=1"], 'Unknown option "--confg-path"', 'Did you mean "--config-path"?'],
    [["--no-debug-routes"], 'Unknown option "--no-debug-routes"', "See --help for all options"],
    [["-port", "1"], 'Unknown option "-p"', "See --help for all options"],
    [["--a.b"], 'Unknown option "--a.b"', "See --help for all options"],
    [["--__proto__=1"], 'Unknown option "--__proto__"', "See --help for all options"],
    [["--\u001b[2J"], 'Unknown option "--\\x1b[2J"', "See --help for all options"],
    [["--port"], 'Option "--port" needs a value', "Write --port PORT"],
    [["--port="], 'Option "--port" needs a value', "Write --port PORT"],
    [["--port", ""], 'Option "--port" needs a value', "Write --port PORT"],
    [["--host", "--port", "1"], 'Option "--host" needs a value', "Write --host ADDRESS"],
    [
      ["--trusted-proxies="],
      'Option "--trusted-proxies" needs a value',
      "Write --trusted-proxies CIDR",
    ],
    [["--port=1", "--port=1"], 'Option "--port" is given more than once'],
    [["--config=1", "--config-path=1"], 'Option "--config" is given more than once'],
    [["--debug-routes", "--debug-routes"], 'Option "--debug-routes" is given more than once'],
    [
      ["--port", "70000"],
      'Cannot use option "--port": must be an integer from 0 to 65535: current value is 70000',
    ],
    [
      ["--port", "80x"],
      'Cannot use option "--port": must be an integer from 0 to 65535: current value is a string',
    ],
    [
      ["--port", "0x50"],
      'Cannot use option "--port": must be an integer from 0 to 65535: current value is a string',
    ],
    [["--debug-routes=maybe"], 'Cannot use option "--debug-routes": must be true or false'],
    [["--debug-routes="], 'Cannot use option "--debug-routes": must be true or false'],
    [
      ["--trusted-proxies=::1", "--trusted-proxies=x"],
      'Cannot use option "--trusted-proxies": value 2 must be a range of addresses, as 10.0.0.0/8 or fd00::/8, or one address',
    ],
    [
      ["--host", "1.2.3.4:80"],
      'Cannot use option "--host": must be a host name or an IP address, without a port',
    ],
  ];
  for (const [args, message, hint] of cases) {
    const error = assertThrows(() => readFlags(args, RELAY_OPTIONS), ConfigError);
    assertEquals(error.message, message);
    assertEquals(error.place, hint === undefined ? {} : { hint }, args.join(" "));
  }
});

Deno.test("readFlags never takes a key, and does not quote it", () => {
  for (const args of [["--api-key", "QXZ-secret"], ["--api-key=QXZ-secret"]]) {
    const error = assertThrows(() => readFlags(args, SERVER_OPTIONS), ConfigError);
    assertEquals(error.message, 'Unknown option "--api-key"');
    assertEquals(
      error.place.hint,
      'Give "api_key" in the configuration file: other users can see a command line',
    );
  }
});
