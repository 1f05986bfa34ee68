revoke execute on all functions in schema rules, api, jobs, audit, meta from public;
revoke create on schema rules, api, audit from pruuf_engine;
