// The functions that Netscape's "Navigator Proxy Auto-Config File Format" gives to scripts. resolve(host) and own() come from outside.
"use strict";
function isPlainHostName(host) { return !String(host).includes("."); }
function dnsDomainIs(host, domain) { return String(host).toLowerCase().endsWith(String(domain).toLowerCase()); }
function localHostOrDomainIs(host, full) {
  host = String(host).toLowerCase();
  full = String(full).toLowerCase();
  return host === full || (!host.includes(".") && full.split(".")[0] === host);
}
function dnsDomainLevels(host) { return String(host).split(".").length - 1; }
function dnsResolve(host) { return $resolve(String(host)); }
function isResolvable(host) { return dnsResolve(host) !== null; }
function myIpAddress() { return $own(); }
function $number(text) {
  const parts = String(text).split(".");
  if (parts.length !== 4 || !parts.every((part) => /^[0-9]{1,3}$/.test(part) && part < 256)) return null;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}
function isInNet(host, net, mask) {
  let address = $number(host);
  if (address === null) address = $number(dnsResolve(host));
  net = $number(net);
  mask = $number(mask);
  if (address === null || net === null || mask === null) return false;
  return ((address & mask) >>> 0) === ((net & mask) >>> 0);
}
// Linear in both: a star that failed later is retried, never those before it.
function shExpMatch(text, pattern) {
  text = String(text);
  pattern = String(pattern);
  let at = 0, of = 0, star = -1, from = 0;
  while (at < text.length) {
    if (of < pattern.length && pattern[of] === "*") { star = of++; from = at; }
    else if (of < pattern.length && (pattern[of] === "?" || pattern[of] === text[at])) { at++; of++; }
    else if (star >= 0) { of = star + 1; at = ++from; }
    else return false;
  }
  while (pattern[of] === "*") of++;
  return of === pattern.length;
}
function $between(low, value, high) {
  return low <= high ? low <= value && value <= high : value >= low || value <= high;
}
function $split(given) {
  const all = Array.from(given);
  const gmt = all.length > 0 && String(all[all.length - 1]).toUpperCase() === "GMT";
  if (gmt) all.pop();
  return [all, gmt];
}
function weekdayRange() {
  const [given, gmt] = $split(arguments);
  const days = given.map((day) => ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].indexOf(String(day).toUpperCase()));
  if (days.length < 1 || days.length > 2 || days.includes(-1)) return false;
  const now = new Date();
  const today = gmt ? now.getUTCDay() : now.getDay();
  return $between(days[0], today, days[days.length - 1]);
}
function timeRange() {
  const [given, gmt] = $split(arguments);
  const now = new Date();
  const time = gmt ? [now.getUTCHours(), now.getUTCMinutes(), now.getUTCSeconds()]
    : [now.getHours(), now.getMinutes(), now.getSeconds()];
  const seconds = (h, m, s) => Number(h) * 3600 + Number(m) * 60 + Number(s);
  const value = seconds(...time);
  switch (given.length) {
    case 1: return time[0] === Number(given[0]);
    case 2: return $between(seconds(given[0], 0, 0), value, seconds(given[1], 0, 0));
    case 4: return $between(seconds(given[0], given[1], 0), value, seconds(given[2], given[3], 0));
    case 6: return $between(seconds(...given.slice(0, 3)), value, seconds(...given.slice(3)));
    default: return false;
  }
}
// A day, a month, a year, or a range of dates that name the same parts.
function dateRange() {
  const [given, gmt] = $split(arguments);
  const names = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
  const part = (value) => {
    const month = names.indexOf(String(value).toUpperCase());
    if (month >= 0) return ["month", month];
    const number = Number(value);
    return number >= 1 && number <= 31 ? ["day", number] : ["year", number];
  };
  const parts = given.map(part);
  const now = new Date();
  const today = gmt ? { year: now.getUTCFullYear(), month: now.getUTCMonth(), day: now.getUTCDate() }
    : { year: now.getFullYear(), month: now.getMonth(), day: now.getDate() };
  if (parts.length === 1) return today[parts[0][0]] === parts[0][1];
  if (parts.length === 0 || parts.length % 2 !== 0 || parts.length > 6) return false;
  const number = (date) => ["year", "month", "day"].reduce((sum, key) => sum * 10000 + (key in date ? date[key] : 0), 0);
  const low = Object.fromEntries(parts.slice(0, parts.length / 2));
  const high = Object.fromEntries(parts.slice(parts.length / 2));
  if (Object.keys(low).sort().join() !== Object.keys(high).sort().join()) return false;
  const value = Object.fromEntries(Object.keys(low).map((key) => [key, today[key]]));
  return $between(number(low), number(value), number(high));
}
