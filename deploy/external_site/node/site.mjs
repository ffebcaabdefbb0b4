// A site outside the mall that greets its shoppers, on openid-client.
//
//   MALL=https://mall.test ORIGIN=https://paper.test MALL_SECRET=… PORT=9210 node site.mjs
//
// MALL and ORIGIN are the addresses that browsers know; the client id is ORIGIN's host, and the mall's operator
// registers ORIGIN/mall/callback. `sub` names a visitor of this site, not a person: log nobody in by it.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import * as openid from "openid-client";

const { MALL, ORIGIN, MALL_SECRET, PORT = "9210", HOST = "127.0.0.1" } = process.env;
const CALLBACK = "/mall/callback";
const ASKS = 2; // so many times a browser is sent to the mall
const WINDOW = 120; // within so many seconds
const DECLINED = 3600; // seconds in which a browser is not asked again that was refused,
const DELAYED = 60; // and after any other failure
const FRESH = 5000; // milliseconds for which what the mall said is good enough
const MOST_SESSIONS = 10_000; // the oldest go first
const ROBOT = /\bbot\b|crawl|spider|preview/i;

const sessions = new Map(); // by the cookie: the questions under way, and what the mall said
let mall; // discovered at the first question, and again after a failure

async function discovered() {
  mall ??= openid.discovery(new URL(MALL), new URL(ORIGIN).hostname, MALL_SECRET);
  try {
    return await mall;
  } catch (error) {
    mall = undefined;
    throw error;
  }
}

function sessionOf(request) {
  const key = /(?:^|; )outside=([\w-]{43})(?:;|$)/.exec(request.headers.cookie ?? "")?.[1];
  return { key, session: sessions.get(key) ?? { questions: new Map(), asked: [] } };
}

/** Keep a session under a new key: nobody can have planted it. */
function keep(response, oldKey, session) {
  const key = randomBytes(32).toString("base64url");
  sessions.delete(oldKey);
  sessions.set(key, session);
  for (const oldest of [...sessions.keys()].slice(0, -MOST_SESSIONS)) sessions.delete(oldest);
  const secure = ORIGIN.startsWith("https:") ? "; Secure" : "";
  response.setHeader("Set-Cookie", `outside=${key}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax${secure}`);
}

/** A person's own page: no robot, prefetch, frame or form, and no browser that asks not to be shared. */
function mayAsk(request, session) {
  const told = request.headers;
  const navigates = told["sec-fetch-mode"] === "navigate" && told["sec-fetch-dest"] === "document";
  const recent = session.asked.filter((moment) => Date.now() - moment < WINDOW * 1000);
  session.asked = recent;
  return (
    request.method === "GET" &&
    navigates &&
    !told["sec-purpose"] &&
    told["sec-gpc"] !== "1" &&
    !ROBOT.test(told["user-agent"] ?? "") &&
    recent.length < ASKS &&
    Date.now() > (session.notBefore ?? 0)
  );
}

async function begin(request, response, key, session) {
  const config = await discovered();
  const state = openid.randomState();
  const question = { verifier: openid.randomPKCECodeVerifier(), nonce: openid.randomNonce(), path: request.url };
  const address = openid.buildAuthorizationUrl(config, {
    redirect_uri: ORIGIN + CALLBACK,
    scope: "openid",
    state,
    nonce: question.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(question.verifier),
    code_challenge_method: "S256",
  });
  session.questions.set(state, question);
  session.asked.push(Date.now());
  keep(response, key, session);
  lead(response, address.href);
}

async function finish(request, response, key, session) {
  const here = new URL(request.url, ORIGIN);
  const state = here.searchParams.get("state") ?? "";
  const question = session.questions.get(state);
  session.questions.delete(state);
  if (!question) return lead(response, "/");
  try {
    session.tokens = await openid.authorizationCodeGrant(await discovered(), here, {
      pkceCodeVerifier: question.verifier,
      expectedState: state,
      expectedNonce: question.nonce,
      idTokenExpected: true,
    });
  } catch (error) {
    console.error(`The mall was asked in vain: ${error.error ?? error.message}: ${error.error_description ?? ""}`);
    session.notBefore = Date.now() + (error.error === "access_denied" ? DECLINED : DELAYED) * 1000;
  }
  keep(response, key, session);
  lead(response, question.path);
}

/** What the mall says of the visitor; undefined where it says nothing any more, and is to be asked anew. */
async function factsOf(session) {
  if (!session.tokens) return undefined;
  if (session.facts && Date.now() - session.factsAt < FRESH) return session.facts;
  try {
    const { sub } = session.tokens.claims();
    session.facts = await openid.fetchUserInfo(await discovered(), session.tokens.access_token, sub);
    session.factsAt = Date.now();
  } catch {
    session.facts = session.tokens = undefined;
  }
  return session.facts;
}

function greeting(facts) {
  if (!facts) return "Good day.";
  const cart = facts.cart_pieces ? `${facts.cart_pieces} in your cart` : "an empty cart";
  return `Good day, ${facts.signed_in ? "you are signed in at the mall" : "visitor"}, with ${cart}.`;
}

function lead(response, address) {
  response.writeHead(303, { Location: address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer" }).end();
}

createServer(async (request, response) => {
  const { key, session } = sessionOf(request);
  try {
    if (request.url.startsWith(`${CALLBACK}?`)) return await finish(request, response, key, session);
    const facts = await factsOf(session);
    if (!facts && mayAsk(request, session)) return await begin(request, response, key, session);
    show(response, facts);
  } catch (error) {
    console.error(error.message); // a mall that is away leaves a page
    show(response, undefined);
  }
}).listen(Number(PORT), HOST, () => console.log(`listening on ${PORT}`));

function show(response, facts) {
  const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "private, no-cache" };
  response.writeHead(200, headers).end(`<!doctype html><title>Outside</title><p>${greeting(facts)}</p>\n`);
}
