// A site of each OpenID Connect and OAuth client for Node, unmodified: /NAME leads to the mall, /NAME/back tells as JSON
// what was learned. Environment: ISSUER, CLIENT_ID, CLIENT_SECRET, PORT. What the metadata names is all that is known.
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import * as openid from "openid-client";
import OAuth2Strategy from "passport-oauth2";
import { AuthorizationCode } from "simple-oauth2";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const backTo = (name) => `http://127.0.0.1:${PORT}/${name}/back`;
const metadata = async () => (await fetch(`${ISSUER}/.well-known/openid-configuration`)).json();

async function userinfo(accessToken) {
  const headers = { Authorization: `Bearer ${accessToken}` };
  return (await fetch((await metadata()).userinfo_endpoint, { headers })).json();
}

/** openid-client, as its README shows it; `authentication` is how the secret is sent. */
function openidClient(name, authentication) {
  const discovered = () => openid.discovery(new URL(ISSUER), CLIENT_ID, undefined, authentication(CLIENT_SECRET));
  let verifier;
  let nonce;
  return {
    async begin() {
      verifier = openid.randomPKCECodeVerifier();
      nonce = openid.randomNonce();
      const challenge = await openid.calculatePKCECodeChallenge(verifier);
      const parameters = { redirect_uri: backTo(name), scope: "openid", nonce, code_challenge: challenge };
      return openid.buildAuthorizationUrl(await discovered(), { ...parameters, code_challenge_method: "S256" }).href;
    },
    async finish(request) {
      const config = await discovered();
      const here = new URL(request.url, backTo(name));
      const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, idTokenExpected: true };
      openid.enableNonRepudiationChecks(config); // verifies the signature of the ID token too
      const tokens = await openid.authorizationCodeGrant(config, here, checks);
      const claims = tokens.claims();
      return { claims, learned: await openid.fetchUserInfo(config, tokens.access_token, claims.sub) };
    },
  };
}

/** passport-oauth2, driven as passport drives a strategy; it knows no discovery. */
function passport(name) {
  const session = {};
  async function authenticate(request) {
    const known = await metadata();
    const options = {
      authorizationURL: known.authorization_endpoint,
      tokenURL: known.token_endpoint,
      clientID: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      callbackURL: backTo(name),
      state: true,
      pkce: true,
    };
    const query = Object.fromEntries(new URL(request.url, backTo(name)).searchParams);
    return new Promise((resolve, reject) => {
      const verify = (accessToken, _refreshToken, _profile, done) => done(null, { accessToken });
      const strategy = new OAuth2Strategy(options, verify);
      strategy.userProfile = (accessToken, done) => userinfo(accessToken).then((told) => done(null, told), done);
      Object.assign(strategy, { redirect: resolve, success: resolve, error: reject, fail: reject });
      strategy.authenticate({ session, query }, {});
    });
  }
  return {
    begin: authenticate,
    finish: async (request) => ({ learned: await userinfo((await authenticate(request)).accessToken) }),
  };
}

/** simple-oauth2 with the secret in the form. */
function simple(name) {
  const verifier = randomBytes(32).toString("base64url");
  async function client() {
    const { authorization_endpoint: authorize, token_endpoint: token } = await metadata();
    const auth = {
      tokenHost: new URL(token).origin,
      tokenPath: new URL(token).pathname,
      authorizePath: new URL(authorize).pathname,
    };
    const options = { authorizationMethod: "body" };
    return new AuthorizationCode({ client: { id: CLIENT_ID, secret: CLIENT_SECRET }, auth, options });
  }
  return {
    async begin() {
      const challenge = createHash("sha256").update(verifier).digest("base64url");
      const parameters = { redirect_uri: backTo(name), scope: "openid", state: "here", code_challenge: challenge };
      return (await client()).authorizeURL({ ...parameters, code_challenge_method: "S256" });
    },
    async finish(request) {
      const code = new URL(request.url, backTo(name)).searchParams.get("code");
      const got = await (await client()).getToken({ code, redirect_uri: backTo(name), code_verifier: verifier });
      return { learned: await userinfo(got.token.access_token) };
    },
  };
}

const CLIENTS = {
  "openid-client": openidClient("openid-client", openid.ClientSecretPost),
  "openid-client-basic": openidClient("openid-client-basic", openid.ClientSecretBasic),
  "passport-oauth2": passport("passport-oauth2"),
  "simple-oauth2": simple("simple-oauth2"),
};

createServer(async (request, response) => {
  const [, name, back] = new URL(request.url, backTo("")).pathname.split("/");
  try {
    if (!back) return response.writeHead(303, { Location: await CLIENTS[name].begin(request) }).end();
    response.end(JSON.stringify(await CLIENTS[name].finish(request)));
  } catch (error) {
    const { error: name, code, error_description, description, oauthError, message } = error;
    const told = { error: name ?? code, description: error_description ?? description ?? message, oauthError };
    response.writeHead(500).end(JSON.stringify(told));
  }
}).listen(Number(PORT), "127.0.0.1", () => console.log(`listening on ${PORT}`));
