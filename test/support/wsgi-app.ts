/** The end of an app in Python whose `answer` says what belongs to a path. An error is its answer, too: tests look at what a server refuses. */
export const answersWithErrors = `def application(environ, start_response):
    try:
        body = answer(environ["PATH_INFO"].encode("latin-1").decode()).encode()
    except Exception as error:
        body = str(error).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;
