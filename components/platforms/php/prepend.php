<?php
// What PHP runs before each script of a site: gives it its variables, and a visitor an answer when it ends in an error.

(static function (): void {
    $values = json_decode(file_get_contents(dirname(__DIR__) . '/environ.json'), true, 2, JSON_THROW_ON_ERROR);
    foreach ($values as $name => $value) {
        putenv("$name=$value");
        // Over what the request says: no header of a visitor may stand in for a variable.
        $_ENV[$name] = $_SERVER[$name] = $value;
    }
})();

register_shutdown_function(static function (): void {
    $ends = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR;
    $ended = ((error_get_last()['type'] ?? 0) & $ends) !== 0;
    // PHP has set the status. The error itself stands in the log: it may tell what is nobody's business.
    if ($ended && PHP_SAPI !== 'cli' && !headers_sent() && (int) ob_get_length() === 0) {
        header('Content-Type: text/plain');
        echo "Internal Server Error\n";
    }
});
