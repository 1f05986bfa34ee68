-- Run once by the postgres image, on an empty volume: the role as whom the server logs in.
\getenv password PRUUF_DB_SERVER_PASSWORD
create role pruuf_server login noinherit password :'password';
