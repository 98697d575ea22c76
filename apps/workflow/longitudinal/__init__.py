"""What a model marked beside what it marked on an earlier study of the patient."""
