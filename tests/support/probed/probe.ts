/** At SIGUSR2 it tries what a program that was taken over would, and prints what came of it. */

import { connect } from "node:net";

/** What the runtime says, by what was tried. */
export type Rights = Readonly<Record<string, "done" | "refused" | "failed">>;

type Attempt = () => unknown;

const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  "write a file": () => Deno.writeTextFile("written.txt", ""),
  "make a folder": () => Deno.mkdir("made"),
  "run a program": () => new Deno.Command("true").output(),
  "load a library": () => Deno.dlopen("libc.so.6", {}),
  "read the environment": () => Deno.env.get("HOME"),
  "read below the root": () => Deno.readTextFile("root/inside.txt"),
  "read elsewhere": () => Deno.readTextFile("/etc/passwd"),
  "read by a link": () => Deno.readTextFile("root/link"),
  // Port 1 of this computer: nobody listens there.
  "connect": () => Deno.connect({ hostname: "127.0.0.1", port: 1 }),
  "connect as Node.js does": () =>
    new Promise((_, reject) => connect(1, "127.0.0.1").on("error", reject)),
  "listen": () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
  "import from the network": () => import(`http://127.0.0.1:1/${crypto.randomUUID()}.js`),
  // Asked about, not tried: the tests stay on this computer.
  "import from where Deno allows all to": async () => {
    const { state } = await Deno.permissions.query({ name: "import", host: "jsr.io:443" });
    if (state !== "granted") throw new Deno.errors.NotCapable("import");
  },
};

async function attempt(work: Attempt): Promise<Rights[string]> {
  try {
    await work();
    return "done";
  } catch (error) {
    return isRefusal(error) ? "refused" : "failed";
  }
}

/** An import that is refused throws a TypeError, as one that fails does. */
function isRefusal(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable ||
    error instanceof TypeError && error.message.startsWith("Requires import access");
}

Deno.addSignalListener("SIGUSR2", async () => {
  const rights: Record<string, Rights[string]> = {};
  for (const [name, work] of Object.entries(ATTEMPTS)) rights[name] = await attempt(work);
  await Deno.stdout.write(new TextEncoder().encode(`rights ${JSON.stringify(rights)}\n`));
});
