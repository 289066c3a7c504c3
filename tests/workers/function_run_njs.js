// Runs a CloudFront function in njs, whose dialect CloudFront's runtime speaks: one event for each
// target. What it is given, and what it answers, is JSON.
import fs from 'fs';
import edge from 'function.js';

async function run(request) {
  const place = request.variables.place;
  const given = JSON.parse(fs.readFileSync(place + '/asked.json').toString());
  Date.now = function () {
    return given.now * 1000;
  };
  const seen = [];
  for (let at = 0; at < given.targets.length; at += 1) {
    const answer = await edge.handler(eventOf(given.targets[at], at));
    seen.push(answer.statusCode || (answer.headers['ostiary-pass'] ? 'pass' : 'accept'));
  }
  request.return(200, JSON.stringify(seen));
}

function eventOf(target, number) {
  const mark = target.indexOf('?');
  const asked = { method: 'GET', querystring: {}, headers: {}, cookies: {} };
  asked.uri = mark < 0 ? target : target.slice(0, mark);
  asked.rawQueryString = function () {
    return mark < 0 ? undefined : target.slice(mark + 1);
  };
  return { context: { requestId: 'request-' + number }, request: asked };
}

export default { run };
