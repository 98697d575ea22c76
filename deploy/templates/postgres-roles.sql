-- psql input; running it again changes nothing. The variables are set by the caller.
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I', name)
  FROM unnest(ARRAY['overread_owner', 'overread_app']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE overread_owner LOGIN NOSUPERUSER :owner_rights PASSWORD :'owner_password';
ALTER ROLE overread_app LOGIN NOSUPERUSER NOCREATEDB PASSWORD :'app_password';
SELECT 'CREATE DATABASE overread OWNER overread_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'overread') \gexec
-- The owner may act as the application, so that a test can prove what that may not.
GRANT overread_app TO overread_owner;
REVOKE ALL ON DATABASE overread FROM PUBLIC;
GRANT CONNECT ON DATABASE overread TO overread_app;
\connect template1
CREATE EXTENSION IF NOT EXISTS vector;
\connect overread
CREATE EXTENSION IF NOT EXISTS vector;
ALTER SCHEMA public OWNER TO overread_owner;
GRANT USAGE ON SCHEMA public TO overread_app;
