<?php
// Shows what a test asks for, and does what it says: the runner of the site in test/nodes/php.test.ts.

[$what, $number] = array_pad(explode('/', ltrim($_SERVER['PATH_INFO'], '/')), 2, '0');
$variables = ['GREETING', 'KEY', 'SILVER_APP_NAME', 'SILVER_INSTANCE_NAME', 'STATIC_URL', 'TEMP'];
$attempt = static function (callable $act): string {
    error_clear_last();
    return @$act() === false ? preg_replace('/.*: /', '', error_get_last()['message'] ?? 'refused') : 'done';
};

header('X-Silver-Release: forged');
header('X-Silver-Static: yes');
header('Content-Type: application/json');

echo match ($what) {
    'variables' => json_encode(array_map(
        static fn (string $name) => [$_SERVER[$name] ?? null, $_ENV[$name] ?? null, getenv($name)],
        array_combine($variables, $variables),
    )),
    'read' => json_encode(['bytes' => strlen(file_get_contents('php://input'))]),
    'upload' => json_encode(['bytes' => $_FILES['file']['size'], 'error' => $_FILES['file']['error']]),
    'sleep' => json_encode(['slept' => sleep((int) $number)]),
    'spin' => (static function () { for (;;) { } })(),
    'fill' => json_encode(['bytes' => strlen(str_repeat('x', (int) $number * 1_000_000))]),
    'throw' => throw new RuntimeException('planted in the app'),
    'die' => json_encode(['killed' => posix_kill(posix_getpid(), 9)]),
    'session' => (static function () {
        session_start();
        return json_encode(['count' => $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1]);
    })(),
    'cache' => (static function () {
        header('Cache-Control: max-age=60');
        return json_encode(['moment' => hrtime(true)]);
    })(),
    'reach' => json_encode([
        'write to its release' => $attempt(static fn () => file_put_contents(__DIR__ . '/new', 'x')),
        'write to TEMP' => $attempt(static fn () => file_put_contents(getenv('TEMP') . '/new', 'x')),
        'write to SILVER_LOGS' => $attempt(static fn () => file_put_contents(getenv('SILVER_LOGS') . '/new', 'x')),
        'read its releases\' record' => $attempt(static fn () => file_get_contents(dirname(__DIR__, 2) . '/release.json')),
    ]),
    default => json_encode(array_intersect_key($_SERVER, array_flip([
        'CONTEXT_DOCUMENT_ROOT', 'DOCUMENT_ROOT', 'HTTP_HOST', 'HTTP_PROXY', 'PATH_INFO', 'PHP_AUTH_USER', 'PHP_SELF', 'QUERY_STRING',
        'REMOTE_ADDR', 'REQUEST_URI', 'SCRIPT_FILENAME', 'SCRIPT_NAME', 'SILVER_BEFORE', 'SILVER_SCRIPT', 'SILVER_URI_1',
    ]))),
};
