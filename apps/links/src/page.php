<?php
// What a visitor sees.

declare(strict_types=1);

const TITLE = 'Links worth a look';

function text(string $words): string
{
    return htmlspecialchars($words, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

/** Answers with a few words alone. */
function answer(int $status, string $words): never
{
    http_response_code($status);
    header('Content-Type: text/plain; charset=utf-8');
    exit("$words\n");
}

/** @param list<array{id: int, address: string, title: string, votes: int}> $links */
function page(string $base, array $links): string
{
    header('Content-Type: text/html; charset=utf-8');
    $rows = array_map(static fn (array $link): string => sprintf(
        '<li><form method="post" action="%s/links/%d/vote"><button title="Vote for it">▲ %d</button></form> <a href="%s" rel="nofollow noopener">%s</a></li>',
        text($base),
        $link['id'],
        $link['votes'],
        text($link['address']),
        text($link['title']),
    ), $links);
    $list = $rows === [] ? '<p>None yet. Yours would be the first.</p>' : '<ol>' . implode("\n", $rows) . '</ol>';
    $title = text(TITLE);
    $here = text($base);
    return <<<HTML
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>$title</title>
        <link rel="stylesheet" href="$here/links.css">
        </head>
        <body>
        <h1>$title</h1>
        <form method="post" action="$here/links" class="new">
        <label>Address <input name="address" type="url" required maxlength="2000" placeholder="https://"></label>
        <label>Title <input name="title" required maxlength="200"></label>
        <button>Share it</button>
        </form>
        $list
        </body>
        </html>
        HTML;
}
