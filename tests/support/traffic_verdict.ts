/** What traffic and its origin together have found to be wrong. */

import type { Traffic } from "./traffic.ts";
import type { TrafficNotes } from "./traffic_origin.ts";

/** A line each. All traffic has to be over. */
export function findTrafficViolations(
  traffic: Traffic,
  { deliveries, violations }: TrafficNotes,
): readonly string[] {
  return [
    ...traffic.report().violations,
    ...violations,
    ...deliveries.findViolations({ mayRepeatReads: true }),
    // Else the notes are no witness.
    ...deliveries.findMissing(traffic.goodNumbers)
      .map((number) => `exchange ${number} was answered, and never delivered`),
  ];
}
