/**
 * Shell lines that make, in the working directory, an authority (`ca.pem`) and a certificate of an address (`db.pem`, `db.key`), with all
 * that Python asks of them from 3.13 on.
 */
export const certificatesOf = (
  address: string,
) => `openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=acme -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=db -keyout db.key -out db.csr 2>/dev/null
printf 'subjectAltName=IP:${address}\\nbasicConstraints=CA:FALSE\\nauthorityKeyIdentifier=keyid\\n' > extensions
openssl x509 -req -in db.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile extensions -out db.pem 2>/dev/null`;
