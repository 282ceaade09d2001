/** Dates in header fields (RFC 9110 §5.6.7). Times are milliseconds since 1970, whole seconds. */

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const MONTH = `(?<month>${MONTHS.match(/.../g)?.join("|")})`;
const TIME = "(?<hour>[0-2][0-9]):(?<minute>[0-5][0-9]):(?<second>[0-6][0-9])";
const FORMATS = [
  new RegExp(`^${DAY}, (?<day>[0-3][0-9]) ${MONTH} (?<year>[0-9]{4}) ${TIME} GMT$`),
  new RegExp(
    `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>[0-3][0-9])-${MONTH}-(?<year>[0-9]{2}) ${TIME} GMT$`,
  ),
  new RegExp(`^${DAY} ${MONTH} (?<day>[ 0-3][0-9]) ${TIME} (?<year>[0-9]{4})$`),
] as const;

/**
 * A date in any of the three formats, or undefined where the text is none of them.
 *
 * @param now decides the century of RFC 850's two-digit years: more than 50 years ahead is past.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  for (const format of FORMATS) {
    const groups = format.exec(text.trim())?.groups;
    if (groups !== undefined) return toTime(groups, now);
  }
  return undefined;
}

let formattedSecond = NaN;
let formattedText = "";

/** The IMF-fixdate of a time, rounded down to the second. */
export function formatHttpDate(time: number): string {
  const second = Math.floor(time / 1000);
  // A busy listener formats the same second thousands of times.
  if (second !== formattedSecond) {
    formattedText = new Date(second * 1000).toUTCString();
    formattedSecond = second;
  }
  return formattedText;
}

function toTime(groups: Readonly<Record<string, string>>, now: number): number | undefined {
  const day = Number(groups.day);
  const month = MONTHS.indexOf(groups.month ?? "") / 3;
  const [hour, minute, second] = [groups.hour, groups.minute, groups.second].map(Number);
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  if (hour > 23 || second > 60) return undefined;
  const at = (year: number): number => {
    const date = new Date(0);
    date.setUTCFullYear(year, month, day); // Date.UTC would read the years 0 to 99 as 1900 to 1999
    return date.setUTCHours(hour, minute, second);
  };
  let year = Number(groups.year);
  if (groups.year?.length === 2) {
    const thisYear = new Date(now).getUTCFullYear();
    year += thisYear - thisYear % 100;
    const horizon = new Date(now).setUTCFullYear(thisYear + 50);
    if (at(year) > horizon) year -= 100;
  }
  // 31 February rolls over; such a date does not exist.
  const isReal = new Date(at(year) - second * 1000).getUTCDate() === day;
  return isReal ? at(year) : undefined;
}
