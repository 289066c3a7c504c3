"""What `connect` and `doctor` find out about a Supabase project, and install in it."""
