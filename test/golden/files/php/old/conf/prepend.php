<?php
// What PHP runs before each script of a site: gives it its variables, and a visitor an answer when it ends in an error.

(static function (): void {
    $values = json_decode(file_get_contents(dirname(__DIR__) . '/environ.json'), true, 2, JSON_THROW_ON_ERROR);
    foreach ($values as $name => $value) {
        putenv("$name=$value");
        // Over what the request says: no header of a visitor may stand in for a variable.
        $_ENV[$name] = $_SERVER[$name] = $value;
    }
    // PHP has a time zone of its own, and says so of a name that it does not know: then it stays at UTC, as libc does.
    if (isset($values['TZ'])) {
        @ini_set('date.timezone', ltrim($values['TZ'], ':'));
    }
})();

// Apache leaves encoded slashes, so what lies behind the script is taken from the request's own path, decoded.
(static function (): void {
    $before = $_SERVER['SILVER_BEFORE'] ?? null;
    if ($before === null) {
        return;
    }
    $parts = [];
    foreach ([1, 2, 3, 4, 5] as $number) {
        $parts[] = $_SERVER["SILVER_URI_$number"] ?? '';
        unset($_SERVER["SILVER_URI_$number"]);
    }
    unset($_SERVER['SILVER_BEFORE']);
    if (!isset($_SERVER['REQUEST_URI'])) {
        // Apache leaves out a variable of more than 16 kB; a long address also comes in parts.
        $_SERVER['REQUEST_URI'] = implode($parts);
        $_SERVER['QUERY_STRING'] ??= explode('?', $_SERVER['REQUEST_URI'], 2)[1] ?? '';
        parse_str($_SERVER['QUERY_STRING'], $_GET);
        $_REQUEST = $_POST + $_GET;
    }
    $path = rawurldecode(preg_replace('/[?#].*/s', '', $_SERVER['REQUEST_URI']));
    $_SERVER['PATH_INFO'] = substr($path, strlen($before));
    $_SERVER['PHP_SELF'] = $_SERVER['SCRIPT_NAME'] . $_SERVER['PATH_INFO'];
})();

// What Apache and Varnish take: more would be answered by a page that tells nobody why.
header_register_callback(static function (): void {
    $lines = headers_list();
    $longest = max([0, ...array_map(strlen(...), $lines)]);
    $values = array_sum(array_map(static fn (string $line) => strlen($line) - strpos($line, ':') - 2, $lines));
    $why = match (true) {
        count($lines) > 220 => count($lines) . ' headers: a site may send 220',
        $values > 32768 => "headers of $values bytes: a site may send 32768",
        $longest > 8190 => "a header of $longest bytes: a PHP site may send 8190",
        default => null,
    };
    if ($why !== null) {
        error_log("silver: the app answers with $why");
        header_remove();
        http_response_code(500);
        header('Content-Type: text/plain');
    }
});

register_shutdown_function(static function (): void {
    $ends = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR;
    $ended = ((error_get_last()['type'] ?? 0) & $ends) !== 0;
    // PHP has set the status. The error itself stands in the log: it may tell what is nobody's business.
    if ($ended && PHP_SAPI !== 'cli' && !headers_sent() && (int) ob_get_length() === 0) {
        header('Content-Type: text/plain');
        echo "Internal Server Error\n";
    }
});
