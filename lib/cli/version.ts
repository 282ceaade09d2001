/** The version, from its one place. */

import project from "../../deno.json" with { type: "json" };

export const VERSION: string = project.version;
