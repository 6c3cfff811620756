<?php
// Answers every request of the site: the list, a new link, a vote.

declare(strict_types=1);

require __DIR__ . '/store.php';
require __DIR__ . '/page.php';

$base = rtrim(dirname($_SERVER['SCRIPT_NAME']), '/');
$path = $_SERVER['PATH_INFO'] ?? '/';
$posted = $_SERVER['REQUEST_METHOD'] === 'POST';

/** Another site's page can't post here on behalf of its visitors: browsers say where a form stands. */
function isForeign(): bool
{
    $origin = $_SERVER['HTTP_ORIGIN'] ?? null;
    return $origin !== null && preg_replace('~^https?://~', '', $origin) !== $_SERVER['HTTP_HOST'];
}

/** What is wrong with a link, for the person who wrote it; null when nothing is. */
function fault(string $address, string $title): ?string
{
    return match (true) {
        !preg_match('//u', $address . $title) => 'This is not text.',
        !preg_match('~^https?://[^\s/?#]+\S*$~i', $address) || strlen($address) > 2000 => 'An address begins with http:// or https://.',
        trim($title) === '' => 'A link needs a title.',
        !preg_match('/^.{1,200}\z/us', $title) => 'A title has at most 200 characters.',
        default => null,
    };
}

try {
    if ($path === '/health') {
        header('Content-Type: text/plain');
        (new Store())->count();
        exit("ok\n");
    }
    if ($posted && isForeign()) {
        answer(403, 'This form stands on another site.');
    }
    if ($posted && $path === '/links') {
        [$address, $title] = array_map(static fn (string $name) => is_string($_POST[$name] ?? null) ? $_POST[$name] : '', ['address', 'title']);
        $wrong = fault($address, $title);
        if ($wrong !== null) {
            answer(400, $wrong);
        }
        (new Store())->add($address, trim($title));
    } elseif ($posted && preg_match('~^/links/([1-9][0-9]{0,17})/vote$~', $path, $found)) {
        (new Store())->vote((int) $found[1]) || answer(404, 'There is no such link.');
    } elseif ($path === '/' && !$posted) {
        header('Cache-Control: no-store');
        exit(page($base, (new Store())->newest(100)));
    } else {
        answer(404, 'There is no such page.');
    }
    // Reloading the page that follows sends nothing again.
    header("Location: $base/", true, 303);
} catch (OverQuota) {
    answer(507, 'There is no room for more links. Those that are here can be read.');
}
