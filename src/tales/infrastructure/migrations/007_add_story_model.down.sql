alter table tales.stories
    drop column model_used,
    drop column full_response;
