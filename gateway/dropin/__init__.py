"""The drop-in: Supabase Storage's own routes, answered here or passed on."""
