// `npm run relock`: the lock anew, with nothing in it that these tests do not need. npm leaves out
// the registry's addresses by .npmrc; here go those of donations, and the optional packages
// (Next's compilers, one for every platform), which are not installed.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

execFileSync("npm", ["install", "--package-lock-only"], { stdio: "inherit" });
const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
for (const [place, entry] of Object.entries(lock.packages)) {
  if (entry.optional) delete lock.packages[place];
  delete entry.funding;
  delete entry.optionalDependencies;
}
writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");
