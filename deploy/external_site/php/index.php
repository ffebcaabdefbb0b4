<?php
// A site outside the mall that greets its shoppers, in PHP alone (with OpenSSL, as it comes).
//
//   MALL=https://mall.test ORIGIN=https://paper.test MALL_SECRET=… php -S 127.0.0.1:9220 index.php
//
// MALL and ORIGIN are the addresses that browsers know; the client id is ORIGIN's host, and the mall's operator
// registers ORIGIN/mall/callback. `sub` names a visitor of this site, not a person: log nobody in by it.
// The ID token comes from the mall itself, over TLS, so its signature need not be verified again
// (OpenID Connect Core 1.0, 3.1.3.7); everything else in it is.
declare(strict_types=1);

const CALLBACK = '/mall/callback';
const ASKS = 2; // so many times a browser is sent to the mall
const WINDOW = 120; // within so many seconds
const DECLINED = 3600; // seconds in which a browser is not asked again that was refused,
const DELAYED = 60; // and after any other failure
const FRESH = 5; // seconds for which what the mall said is good enough

/** An answer of the mall as JSON; null where it refuses, or does not answer. */
function ask(string $address, array $headers = [], ?array $form = null): ?array
{
    $options = ['header' => $headers, 'timeout' => 3, 'ignore_errors' => true, 'follow_location' => 0];
    if ($form !== null) {
        $options['method'] = 'POST';
        $options['content'] = http_build_query($form);
        $options['header'][] = 'Content-Type: application/x-www-form-urlencoded';
    }
    $answer = @file_get_contents($address, false, stream_context_create(['http' => $options]));
    $said = $answer === false ? null : json_decode($answer, true);
    if (!is_array($said) || isset($said['error'])) {
        error_log('The mall was asked in vain: ' . ($said['error'] ?? 'no answer') . ': ' . ($said['error_description'] ?? ''));
        return null;
    }
    return $said;
}

/** The mall's metadata, which says where its endpoints are. */
function metadata(): ?array
{
    $mall = getenv('MALL');
    $told = ask("$mall/.well-known/openid-configuration");
    return $told !== null && $told['issuer'] === $mall ? $told : null;
}

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

function client_id(): string
{
    return (string) parse_url(getenv('ORIGIN'), PHP_URL_HOST);
}

/** A person's own page: no robot, prefetch, frame or form, and no browser that asks not to be shared. */
function may_ask(): bool
{
    $_SESSION['asked'] = array_filter($_SESSION['asked'] ?? [], fn (int $moment) => time() - $moment < WINDOW);
    return $_SERVER['REQUEST_METHOD'] === 'GET'
        && ($_SERVER['HTTP_SEC_FETCH_MODE'] ?? '') === 'navigate'
        && ($_SERVER['HTTP_SEC_FETCH_DEST'] ?? '') === 'document'
        && !isset($_SERVER['HTTP_SEC_PURPOSE'])
        && ($_SERVER['HTTP_SEC_GPC'] ?? '') !== '1'
        && !preg_match('/\bbot\b|crawl|spider|preview/i', $_SERVER['HTTP_USER_AGENT'] ?? '')
        && count($_SESSION['asked']) < ASKS
        && time() > ($_SESSION['not_before'] ?? 0);
}

function lead(string $address): never
{
    header("Location: $address", true, 303);
    header('Cache-Control: no-store');
    header('Referrer-Policy: no-referrer');
    exit;
}

/** Send the browser to the mall; return where that does not answer. */
function begin(string $path): void
{
    $mall = metadata();
    if ($mall === null) {
        return;
    }
    [$state, $nonce, $verifier] = array_map(fn () => base64url(random_bytes(32)), range(1, 3));
    $_SESSION['questions'][$state] = ['nonce' => $nonce, 'verifier' => $verifier, 'path' => $path];
    $_SESSION['asked'][] = time();
    lead($mall['authorization_endpoint'] . '?' . http_build_query([
        'response_type' => 'code',
        'client_id' => client_id(),
        'redirect_uri' => getenv('ORIGIN') . CALLBACK,
        'scope' => 'openid',
        'state' => $state,
        'nonce' => $nonce,
        'code_challenge' => base64url(hash('sha256', $verifier, true)),
        'code_challenge_method' => 'S256',
    ]));
}

/** Redeem the code of the mall's answer, and lead back to the page. */
function finish(): never
{
    $question = $_SESSION['questions'][$_GET['state'] ?? ''] ?? null;
    unset($_SESSION['questions'][$_GET['state'] ?? '']);
    if ($question === null || ($_GET['iss'] ?? '') !== getenv('MALL')) {
        lead('/');
    }
    $mall = isset($_GET['code']) ? metadata() : null;
    $basic = base64_encode(rawurlencode(client_id()) . ':' . rawurlencode(getenv('MALL_SECRET')));
    $tokens = $mall === null ? null : ask($mall['token_endpoint'], ["Authorization: Basic $basic"], [
        'grant_type' => 'authorization_code',
        'code' => $_GET['code'],
        'redirect_uri' => getenv('ORIGIN') . CALLBACK,
        'code_verifier' => $question['verifier'],
    ]);
    $claims = json_decode(base64_decode(strtr(explode('.', $tokens['id_token'] ?? '..')[1], '-_', '+/')), true);
    $fits = $claims !== null
        && $claims['iss'] === getenv('MALL')
        && $claims['aud'] === client_id()
        && $claims['exp'] > time()
        && hash_equals($question['nonce'], $claims['nonce'] ?? '');
    if ($fits) {
        session_regenerate_id(true);
        $_SESSION['token'] = $tokens['access_token'];
        $_SESSION['sub'] = $claims['sub'];
        $_SESSION['facts_at'] = 0;
    } else {
        $_SESSION['not_before'] = time() + (($_GET['error'] ?? '') === 'access_denied' ? DECLINED : DELAYED);
    }
    lead($question['path']);
}

/** What the mall says of the visitor; null where it says nothing any more, and is to be asked anew. */
function facts(): ?array
{
    if (!isset($_SESSION['token'])) {
        return null;
    }
    if (time() - $_SESSION['facts_at'] >= FRESH) {
        $mall = metadata();
        $told = $mall === null ? null : ask($mall['userinfo_endpoint'], ["Authorization: Bearer {$_SESSION['token']}"]);
        if ($told === null || $told['sub'] !== $_SESSION['sub']) {
            unset($_SESSION['token'], $_SESSION['facts']);
            return null;
        }
        [$_SESSION['facts'], $_SESSION['facts_at']] = [$told, time()];
    }
    return $_SESSION['facts'];
}

function greeting(?array $facts): string
{
    if ($facts === null) {
        return 'Good day.';
    }
    $cart = $facts['cart_pieces'] ?? 0 ? "{$facts['cart_pieces']} in your cart" : 'an empty cart';
    return 'Good day, ' . ($facts['signed_in'] ? 'you are signed in at the mall' : 'visitor') . ", with $cart.";
}

session_set_cookie_params([
    'path' => '/', 'secure' => str_starts_with(getenv('ORIGIN'), 'https:'), 'httponly' => true, 'samesite' => 'Lax',
]);
session_start();
if (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) === CALLBACK) {
    finish();
}
$facts = facts();
if ($facts === null && may_ask()) {
    begin($_SERVER['REQUEST_URI']);
}
header('Cache-Control: private, no-cache');
echo '<!doctype html><title>Outside</title><p>', htmlspecialchars(greeting($facts)), "</p>\n";
