<?php
// The links, in MySQL.

declare(strict_types=1);

/** The database takes no more: its quota is used up. */
final class OverQuota extends Exception
{
}

final class Store
{
    // Of MariaDB: no such table; an account that may not INSERT, UPDATE or CREATE.
    private const NO_TABLE = 1146;
    private const DENIED = 1142;

    private const TABLE = <<<'SQL'
        CREATE TABLE IF NOT EXISTS links (
            id BIGINT PRIMARY KEY AUTO_INCREMENT,
            address VARCHAR(2000) NOT NULL,
            title VARCHAR(200) NOT NULL,
            votes INT NOT NULL DEFAULT 0,
            added TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
        )
        SQL;

    private PDO $database;

    public function __construct()
    {
        // On the site's own node there is no password, and localhost is a socket.
        $place = sprintf('mysql:host=%s;dbname=%s;charset=utf8mb4', getenv('CONFIG_MYSQL_HOST'), getenv('CONFIG_MYSQL_DBNAME'));
        $this->database = new PDO($place, getenv('CONFIG_MYSQL_USERNAME'), getenv('CONFIG_MYSQL_PASSWORD'), [
            PDO::ATTR_EMULATE_PREPARES => false,
            PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        ]);
    }

    public function count(): int
    {
        return (int) $this->run('SELECT count(*) FROM links')->fetchColumn();
    }

    /** @return list<array{id: int, address: string, title: string, votes: int}> those with most votes first, then the newest */
    public function newest(int $most): array
    {
        return $this->run('SELECT id, address, title, votes FROM links ORDER BY votes DESC, id DESC LIMIT ?', $most)->fetchAll();
    }

    public function add(string $address, string $title): void
    {
        $this->run('INSERT INTO links (address, title) VALUES (?, ?)', $address, $title);
    }

    /** Whether there is such a link. */
    public function vote(int $id): bool
    {
        return $this->run('UPDATE links SET votes = votes + 1 WHERE id = ?', $id)->rowCount() === 1;
    }

    private function run(string $sql, int|string ...$values): PDOStatement
    {
        try {
            return $this->once($sql, $values);
        } catch (PDOException $error) {
            if ($error->errorInfo[1] === self::DENIED) {
                throw new OverQuota(previous: $error);
            }
            if ($error->errorInfo[1] !== self::NO_TABLE) {
                throw $error;
            }
        }
        // Several processes may do so at once.
        $this->database->exec(self::TABLE);
        return $this->once($sql, $values);
    }

    /** @param array<int|string> $values */
    private function once(string $sql, array $values): PDOStatement
    {
        $statement = $this->database->prepare($sql);
        $statement->execute($values);
        return $statement;
    }
}
