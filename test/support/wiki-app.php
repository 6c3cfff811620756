<?php
// A wiki on files, as many small ones are: pages in the site's own directory, who edits in a session. For test/nodes/strangers.test.ts.

session_start();

$base = rtrim(dirname($_SERVER['SCRIPT_NAME']), '/');
$directory = getenv('CONFIG_FILES');
[, $what, $name] = array_pad(explode('/', $_SERVER['PATH_INFO'] ?? '', 3), 3, '');
$file = $directory . '/' . rawurlencode($name) . '.txt';
$text = is_file($file) ? file_get_contents($file) : null;
$refuse = static function (int $status, string $why): never {
    http_response_code($status);
    exit($why);
};
$go = static function (string $path) use ($base): never {
    header("Location: $base/$path", true, 303);
    exit;
};

if ($what === 'login' && isset($_POST['name'])) {
    session_regenerate_id(true);
    $_SESSION = ['name' => $_POST['name'], 'token' => bin2hex(random_bytes(16))];
    $go('');
}
if ($what === 'edit') {
    isset($_SESSION['name']) || $refuse(403, 'log in first');
    if ($_SERVER['REQUEST_METHOD'] === 'POST') {
        hash_equals($_SESSION['token'], $_POST['token'] ?? '') || $refuse(403, 'this form is not ours');
        ($_POST['was'] ?? '') === sha1($text ?? '') || $refuse(409, 'somebody else was faster');
        file_put_contents($file, "$_POST[text]\n-- $_SESSION[name]", LOCK_EX) === false && $refuse(507, 'no space is left');
        $go('page/' . rawurlencode($name));
    }
    header('Content-Type: application/json');
    exit(json_encode(['token' => $_SESSION['token'], 'was' => sha1($text ?? ''), 'text' => $text]));
}
if ($what === 'page') {
    $text ?? $refuse(404, 'there is no such page yet');
    header('Last-Modified: ' . gmdate('D, d M Y H:i:s', filemtime($file)) . ' GMT');
    echo '<h1>' . htmlspecialchars($name) . '</h1><pre>' . htmlspecialchars($text) . '</pre>';
    exit;
}
if ($what === 'stream') {
    // The second piece says whether the client had the first one before, which it tells by /seen/NAME.
    header('Content-Type: text/plain');
    echo 'first ';
    while (ob_get_level() > 0) {
        ob_end_flush();
    }
    flush();
    for ($tries = 0; $tries < 500 && !is_file("$file.seen"); $tries++) {
        usleep(10_000);
        clearstatcache();
    }
    exit(is_file("$file.seen") ? 'seen' : 'lost');
}
if ($what === 'seen') {
    touch("$file.seen");
    http_response_code(204);
    exit;
}
foreach (glob("$directory/*.txt") as $page) {
    $name = rawurldecode(basename($page, '.txt'));
    printf('<a href="%s/page/%s">%s</a>' . "\n", $base, rawurlencode($name), htmlspecialchars($name));
}
